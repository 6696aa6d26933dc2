-- Up Migration

-- Where a count of stored orders stops: the transaction of the order that has `most` others before it, counted from the
-- mark; null when there are fewer. By the index alone: the planner, which can only guess how many orders are uncounted,
-- would sort the whole backlog, or read the whole table.
CREATE FUNCTION next_direct_mark(mark xid8, most integer) RETURNS xid8
  LANGUAGE sql STABLE
  SET enable_seqscan = off
  SET enable_bitmapscan = off
  SET enable_sort = off
  AS $$ SELECT xid FROM orders WHERE xid > mark ORDER BY xid OFFSET most LIMIT 1 $$;
