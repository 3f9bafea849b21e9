//! For tests only: images, layers and signed calls.
