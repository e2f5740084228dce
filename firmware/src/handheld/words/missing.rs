//! Which settings are missing.

use core::fmt;

/// Which settings are missing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Missing {
    /// No `/node`.
    pub node: bool,
    /// No `/region`.
    pub region: bool,
    /// No `/network`.
    pub network: bool,
    /// No `/key new`.
    pub key: bool,
}

impl Missing {
    /// Whether anything is missing.
    pub const fn any(self) -> bool {
        self.node || self.region || self.network || self.key
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands = [
            (self.node, "/node"),
            (self.region, "/region"),
            (self.network, "/network"),
            (self.key, "/key new"),
        ];
        let mut missing = commands.iter().filter(|(missing, _)| *missing);
        if let Some((_, first)) = missing.next() {
            f.write_str(first)?;
        }
        missing.try_for_each(|(_, command)| write!(f, " {command}"))
    }
}
