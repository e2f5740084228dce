//! Both sides of the link together.

mod faults;
mod sides;
mod world;

use super::*;
