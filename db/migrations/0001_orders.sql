-- Up Migration

-- The first UUIDv7 of a moment: orders are partitioned by their id itself, so an id is unique across partitions
-- and retention drops whole weeks.
CREATE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

CREATE TABLE orders (
  order_id    uuid PRIMARY KEY,
  mode        text NOT NULL,
  -- both are keys of the rollups: an index refuses entries above 2 704 bytes, the board's readers long before
  store       text NOT NULL CHECK (char_length(store) BETWEEN 1 AND 100),
  drink       text NOT NULL CHECK (char_length(drink) BETWEEN 1 AND 100),
  price_cents bigint NOT NULL CHECK (price_cents BETWEEN 1 AND 1000000),
  event_time  timestamptz NOT NULL CHECK (event_time BETWEEN '2000-01-01Z' AND '2100-01-01Z'),
  accepted_at timestamptz NOT NULL CHECK (isfinite(accepted_at)),
  ingested_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  -- a hash of the order as the client sent it: distinguishes a duplicate from another order under the same id
  fingerprint bytea NOT NULL,
  -- the transaction that stored it: set only by v1, which counts later from this table
  xid         xid8
) PARTITION BY RANGE (order_id);

CREATE INDEX orders_by_xid ON orders (xid) WHERE xid IS NOT NULL;

-- Orders are stored here only when the partition of their week was not created in time.
CREATE TABLE orders_default PARTITION OF orders DEFAULT;

-- Creates the weekly partitions that cover [first, last]; weeks start on Monday, UTC. Safe to call repeatedly and from
-- several processes at once. A week whose orders are already in the default partition is left there. A week is 168
-- hours: 7 days are an hour more or less where the session's time zone changes its clocks.
CREATE FUNCTION ensure_order_partitions(first timestamptz, last timestamptz) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  week timestamptz := date_trunc('week', first, 'UTC');
  made integer := 0;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ensure_order_partitions'));
  WHILE week <= last LOOP
    part := 'orders_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
    IF to_regclass(part) IS NULL AND NOT EXISTS (
      SELECT 1 FROM orders_default
      WHERE order_id >= uuid7_floor(week) AND order_id < uuid7_floor(week + interval '168 hours')
    ) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF orders FOR VALUES FROM (%L) TO (%L)',
        part, uuid7_floor(week), uuid7_floor(week + interval '168 hours'));
      made := made + 1;
    END IF;
    week := week + interval '168 hours';
  END LOOP;
  RETURN made;
END $$;
