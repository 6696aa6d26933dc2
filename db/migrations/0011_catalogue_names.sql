-- Up Migration

-- Names that the operator has added to the catalogue of the order APIs' file while they run. Ids are given under a lock, in the
-- order of commits, so that an API reads only what is above the last id it has seen.
CREATE TABLE catalogue_names (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('stores', 'drinks')),
  name text NOT NULL,
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (kind, name)
);
