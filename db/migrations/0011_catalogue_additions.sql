-- Up Migration

-- Names that the operator has added to the catalogue of the order APIs' file. One row, so that additions follow each other, and a
-- stamp that no other content ever has: after a restore an API sees that it has to read again.
CREATE TABLE catalogue_additions (
  id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  stamp uuid NOT NULL DEFAULT gen_random_uuid(),
  stores text[] NOT NULL DEFAULT '{}',
  drinks text[] NOT NULL DEFAULT '{}'
);
INSERT INTO catalogue_additions DEFAULT VALUES;
