-- Up Migration

-- What retention has dropped: events up to and including `until` may be missing from the relation. A session that compares
-- relations in one snapshot locks them (ACCESS SHARE) before taking it: a snapshot does not restore a dropped table.
CREATE TABLE dropped (relation text PRIMARY KEY, until timestamptz NOT NULL);

CREATE TABLE retention (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- orders whose ids are older than this are rejected: whether they were counted is no longer known
  orders_floor timestamptz NOT NULL DEFAULT '-infinity',
  -- when all expired data had been dropped; done once a day by any worker
  done_at      timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO retention DEFAULT VALUES;

-- `until` never goes down.
CREATE FUNCTION tell_dropped(of text, latest timestamptz) RETURNS void
  LANGUAGE sql AS $$
  INSERT INTO dropped AS d (relation, until) SELECT of, latest WHERE latest IS NOT NULL
  ON CONFLICT (relation) DO UPDATE SET until = greatest(d.until, EXCLUDED.until)
$$;

-- An id whose week was dropped is routed to the default partition, so a constraint there rejects it. Not validated:
-- earlier orders there are deleted gradually.
CREATE FUNCTION refuse_dropped_orders() RETURNS void
  LANGUAGE plpgsql AS $$
DECLARE
  floor uuid := (SELECT uuid7_floor(orders_floor) FROM retention WHERE isfinite(orders_floor));
BEGIN
  IF floor IS NULL THEN RETURN; END IF;
  EXECUTE format('ALTER TABLE orders_default DROP CONSTRAINT IF EXISTS not_older_than_the_orders_kept,
    ADD CONSTRAINT not_older_than_the_orders_kept CHECK (order_id >= %L) NOT VALID', floor);
END $$;

-- Committed before any order below the floor is dropped: from then on no id can be counted after its order was dropped.
-- It waits for a concurrent insert into the default partition, and later inserts see the constraint.
CREATE FUNCTION raise_orders_floor(floor timestamptz) RETURNS void
  LANGUAGE plpgsql AS $$
BEGIN
  UPDATE retention SET orders_floor = floor WHERE orders_floor < floor;
  IF FOUND THEN PERFORM refuse_dropped_orders(); END IF;
END $$;

-- Drops a partition of orders, or returns false if it contains orders that are not counted yet. One statement, so that
-- `orders` is not locked while the caller is busy: call it with a short lock_timeout and without a transaction.
-- The parent is locked first, as in every other statement; then only a vacuum can hold the partition, and is not waited
-- for. The greatest xid is read by its index; for `xid >= mark` the planner would read the whole table.
CREATE FUNCTION drop_order_partition(part regclass, latest timestamptz) RETURNS boolean
  LANGUAGE plpgsql AS $$
DECLARE
  newest xid8;
BEGIN
  LOCK TABLE ONLY orders IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('LOCK TABLE %s, orders_default IN ACCESS EXCLUSIVE MODE NOWAIT', part);
  EXECUTE format('SELECT xid FROM %s WHERE xid IS NOT NULL ORDER BY xid DESC LIMIT 1', part) INTO newest;
  IF newest >= (SELECT direct_watermark FROM meta) THEN RETURN false; END IF;
  PERFORM tell_dropped('orders', latest);
  EXECUTE format('DROP TABLE %s', part);
  RETURN true;
END $$;

-- As before, but no week below the floor is created again, and the lock on `orders` is waited for only briefly, because
-- all other statements queue behind it.
CREATE OR REPLACE FUNCTION ensure_order_partitions(first timestamptz, last timestamptz) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  week timestamptz := date_trunc('week', greatest(first, (SELECT orders_floor FROM retention)), 'UTC');
  made integer := 0;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ensure_order_partitions'));
  SET LOCAL lock_timeout = '50ms';
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
