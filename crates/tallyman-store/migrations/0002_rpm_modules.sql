-- The module and stream that an RPM was built in, such as nodejs:16; empty for all others.
ALTER TABLE package_version ADD COLUMN module TEXT NOT NULL DEFAULT '';
