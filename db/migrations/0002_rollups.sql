-- Up Migration

-- Rollups are what the board is computed from. One shard per source part, so that workers never wait for each
-- other's rows; readers sum over shards. fillfactor leaves room for HOT updates: the same few rows change with
-- every batch.
CREATE TABLE rollup_minute (
  bucket timestamptz, mode text, shard smallint,
  orders bigint NOT NULL, revenue_cents bigint NOT NULL,
  PRIMARY KEY (bucket, mode, shard)
) WITH (fillfactor = 60);

CREATE TABLE rollup_hour (
  bucket timestamptz, mode text, store text, drink text, shard smallint,
  orders bigint NOT NULL, revenue_cents bigint NOT NULL,
  PRIMARY KEY (bucket, mode, store, drink, shard)
) WITH (fillfactor = 60);

-- Derived from rollup_hour: with 10 000 stores, the top stores of the hour cost 360-604 ms from hour x store x drink and
-- 44 ms from hour x store; the drinks of the hour are the same case.
CREATE TABLE rollup_hour_store (
  bucket timestamptz, mode text, store text, shard smallint,
  orders bigint NOT NULL, revenue_cents bigint NOT NULL,
  PRIMARY KEY (bucket, mode, store, shard)
) WITH (fillfactor = 60);

CREATE TABLE rollup_hour_drink (
  bucket timestamptz, mode text, drink text, shard smallint,
  orders bigint NOT NULL, revenue_cents bigint NOT NULL,
  PRIMARY KEY (bucket, mode, drink, shard)
) WITH (fillfactor = 60);

CREATE TABLE rollup_day (
  bucket timestamptz, mode text, drink text, shard smallint,
  orders bigint NOT NULL, revenue_cents bigint NOT NULL,
  PRIMARY KEY (bucket, mode, drink, shard)
) WITH (fillfactor = 60);

-- One row per source part, written by every batch: the board's version is the sum of theirs.
CREATE TABLE applied (
  source       text,
  part         smallint,
  version      bigint NOT NULL DEFAULT 0,
  position     text,
  orders       bigint NOT NULL DEFAULT 0,
  duplicates   bigint NOT NULL DEFAULT 0,
  -- orders per second: an exponentially decaying rate; its current value is rate * exp(-age / 10 s)
  rate         double precision NOT NULL DEFAULT 0,
  -- from accept to commit for the slowest order of the latest batch
  freshness_ms bigint,
  -- the latest accepted orders, latest first
  recent       jsonb NOT NULL DEFAULT '[]',
  updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (source, part)
) WITH (fillfactor = 50);

CREATE TABLE dead_letters (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source         text NOT NULL,
  origin         text NOT NULL,
  index          integer NOT NULL,
  payload        bytea NOT NULL,
  payload_sha256 bytea NOT NULL,
  reason         text NOT NULL,
  detail         text NOT NULL,
  set_aside_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (source, origin, index, payload_sha256)
);

CREATE TABLE meta (
  singleton         boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  epoch             bigint NOT NULL DEFAULT 1,
  -- transaction ids mean nothing in another cluster: a differing identifier reveals a restored database
  system_identifier bigint NOT NULL,
  -- v1 has counted every stored order of a transaction below this one
  direct_watermark  xid8 NOT NULL
);
INSERT INTO meta (system_identifier, direct_watermark)
  SELECT system_identifier, '3'::xid8 FROM pg_control_system();
