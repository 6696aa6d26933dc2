-- Up Migration

-- The order API reads the open letters every few seconds, among all letters of the last 90 days.
CREATE INDEX dead_letters_open ON dead_letters (source) WHERE replayed_at IS NULL AND discarded_at IS NULL;
