//! Layer bytes in, inventory out: decompression, tar, analyzers and squash.
