-- What a webhook's other side said of itself, and the secret before the present one.

ALTER TABLE webhook ADD COLUMN disabled_at INTEGER;
-- Nothing is sent before this time.
ALTER TABLE webhook ADD COLUMN paused_until INTEGER;
ALTER TABLE webhook ADD COLUMN old_secret_sealed BLOB;
ALTER TABLE webhook ADD COLUMN old_secret_until INTEGER;
