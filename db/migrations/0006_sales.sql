-- Up Migration

-- The history is read in pages, sorted by bucket, mode, store, drink by code point, whatever the database's collation is:
-- the primary keys then return a page without a sort. With a sort, the first page of a day with 10 000 stores and
-- 20 drinks took 2.0 s (2.9 million rows).
ALTER TABLE rollup_minute ALTER mode TYPE text COLLATE "C";
ALTER TABLE rollup_hour
  ALTER mode TYPE text COLLATE "C", ALTER store TYPE text COLLATE "C", ALTER drink TYPE text COLLATE "C";
ALTER TABLE rollup_hour_store ALTER mode TYPE text COLLATE "C", ALTER store TYPE text COLLATE "C";
ALTER TABLE rollup_hour_drink ALTER mode TYPE text COLLATE "C", ALTER drink TYPE text COLLATE "C";
ALTER TABLE rollup_day ALTER mode TYPE text COLLATE "C", ALTER drink TYPE text COLLATE "C";
