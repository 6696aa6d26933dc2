-- Up Migration

-- Several installations may share a database, each in a schema of its own, and one may have another in its search_path.
-- The lock is per schema, since advisory locks are shared by the whole database. Only this schema is searched for a week:
-- with `search_path = app, public` a partition of the installation in public was mistaken for the missing one of app.
CREATE OR REPLACE FUNCTION ensure_order_partitions(first timestamptz, last timestamptz) RETURNS integer
  LANGUAGE plpgsql AS $$
DECLARE
  here_oid oid := (SELECT relnamespace FROM pg_class WHERE oid = 'orders'::regclass);
  here name := (SELECT nspname FROM pg_namespace WHERE oid = here_oid);
  week timestamptz := date_trunc('week', greatest(first, (SELECT orders_floor FROM retention)), 'UTC');
  made integer := 0;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext(concat('ensure_order_partitions ', here_oid)));
  SET LOCAL lock_timeout = '50ms';
  WHILE week <= last LOOP
    part := 'orders_' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD');
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace = here_oid) AND NOT EXISTS (
      SELECT 1 FROM orders_default
      WHERE order_id >= uuid7_floor(week) AND order_id < uuid7_floor(week + interval '168 hours')
    ) THEN
      EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.orders FOR VALUES FROM (%L) TO (%L)',
        here, part, here, uuid7_floor(week), uuid7_floor(week + interval '168 hours'));
      PERFORM tend_order_partition(format('%I.%I', here, part)::regclass);
      made := made + 1;
    END IF;
    week := week + interval '168 hours';
  END LOOP;
  RETURN made;
END $$;
