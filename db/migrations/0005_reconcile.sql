-- Up Migration

-- What retention has taken away: events up to and including `until` may be missing from the relation. Only later
-- buckets can be held against the orders that they were made from.
CREATE TABLE IF NOT EXISTS dropped (relation text PRIMARY KEY, until timestamptz NOT NULL);

-- Finds the orders of an hour or a day. Minmax-multi: a late order does not stretch the range of its neighbours over
-- all the time between.
CREATE INDEX orders_by_event_time ON orders
  USING brin (event_time timestamptz_minmax_multi_ops) WITH (autosummarize = on);
