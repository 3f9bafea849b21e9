-- What the sets and lists of packages say instead. This program's schema is newer than any that
-- could read these.
DROP TABLE image_package;
DROP TABLE stale_image;
ALTER TABLE image DROP COLUMN packages;
ALTER TABLE image DROP COLUMN vul_count;
ALTER TABLE image DROP COLUMN vul_by_severity;
ALTER TABLE image DROP COLUMN matched_revision;
