//! Randomness for keys: what the chip has, and what the person adds, stirred together (SHA-256).

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// A pool of randomness. As good as the best of what was put in.
pub(super) struct Pool {
    state: [u8; 32],
    filled: bool,
}

impl Pool {
    /// A pool that holds what the chip offers, if it offers anything.
    pub(super) fn new(chip: Option<[u8; 32]>) -> Self {
        let mut pool = Self { state: [0; 32], filled: false };
        if let Some(mut octets) = chip {
            pool.stir(&octets);
            octets.zeroize();
        }
        pool
    }

    /// Adds 32 octets of randomness.
    pub(super) fn stir(&mut self, octets: &[u8; 32]) {
        self.state = digest(b"fanal stir", &[&self.state, octets]);
        self.filled = true;
    }

    /// Takes 32 octets out, never the same twice; `None` from a pool that nothing was put into.
    pub(super) fn draw(&mut self) -> Option<Zeroizing<[u8; 32]>> {
        if !self.filled {
            return None;
        }
        let drawn = Zeroizing::new(digest(b"fanal draw", &[&self.state]));
        self.state = digest(b"fanal next", &[&self.state]);
        Some(drawn)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

fn digest(purpose: &[u8; 10], parts: &[&[u8; 32]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(purpose);
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pool_gives_nothing() {
        assert!(Pool::new(None).draw().is_none());
    }

    #[test]
    fn no_draw_repeats_and_each_source_counts() {
        let mut chip = Pool::new(Some([1; 32]));
        let mut both = Pool::new(Some([1; 32]));
        both.stir(&[2; 32]);
        let mut person = Pool::new(None);
        person.stir(&[2; 32]);
        let drawn =
            [&mut chip, &mut both, &mut person].map(|pool| [pool.draw().unwrap(), pool.draw().unwrap()]);
        let mut drawn: std::vec::Vec<_> = drawn.iter().flatten().map(|octets| **octets).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 6);
    }
}
