//! Tests of NOTIFICATION.
