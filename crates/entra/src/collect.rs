//! Collecting a snapshot.
