//! Parts of a command that reads images, shared by `canoni` and `eif`: options, and progress on a
//! terminal.

mod bar;
mod limits;
mod registry;

pub use bar::Bar;
pub use limits::LimitArgs;
pub use registry::RegistryArgs;
