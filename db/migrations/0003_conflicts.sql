-- Up Migration

-- Orders that have the id of another order and another body. The first one committed was counted; these were not.
CREATE TABLE order_conflicts (
  order_id    uuid,
  fingerprint bytea,
  -- all members of the order that was not counted
  mode        text NOT NULL,
  store       text NOT NULL,
  drink       text NOT NULL,
  price_cents bigint NOT NULL,
  event_time  timestamptz NOT NULL,
  accepted_at timestamptz NOT NULL,
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (order_id, fingerprint)
);

-- A letter is open until it is replayed or discarded, and stays here either way.
ALTER TABLE dead_letters
  -- if the payload contains one
  ADD COLUMN order_id     uuid,
  ADD COLUMN replayed_at  timestamptz,
  ADD COLUMN discarded_at timestamptz;

CREATE INDEX dead_letters_by_order ON dead_letters (order_id) WHERE order_id IS NOT NULL;
