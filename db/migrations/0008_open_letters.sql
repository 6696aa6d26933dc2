-- Up Migration

-- The order API looks every few seconds for letters that are still open, among all that are kept for ninety days.
CREATE INDEX dead_letters_open ON dead_letters (source) WHERE replayed_at IS NULL AND discarded_at IS NULL;
