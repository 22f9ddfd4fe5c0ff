//! What the address programs share: the store in a directory, pools out of files, the commands, and the CNI plugin.

pub mod cni;
pub mod commands;
pub mod directory;
pub mod driver;
pub mod resources;
