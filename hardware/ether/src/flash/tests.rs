use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;

/// The flash never waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the flash waits"),
    }
}

#[test]
fn writing_clears_bits_and_erasing_sets_them() {
    let mut flash = MemoryFlash::new(2);
    now(flash.write(8, &[0xF0; 4])).unwrap();
    now(flash.write(8, &[0x3C; 4])).unwrap();
    let mut octets = [0; 6];
    now(flash.read(7, &mut octets)).unwrap();
    assert_eq!(octets, [0xFF, 0x30, 0x30, 0x30, 0x30, 0xFF]);
    now(flash.erase(0, 4096)).unwrap();
    assert!(flash.contents().iter().all(|octet| *octet == 0xFF));
}

#[test]
fn crooked_and_far_requests_are_refused() {
    let mut flash = MemoryFlash::new(1);
    assert_eq!(now(flash.write(2, &[0; 4])), Err(Error::NotAligned));
    assert_eq!(now(flash.write(0, &[0; 3])), Err(Error::NotAligned));
    assert_eq!(now(flash.write(4096, &[0; 4])), Err(Error::OutOfBounds));
    assert_eq!(now(flash.erase(0, 8192)), Err(Error::OutOfBounds));
    assert_eq!(now(flash.erase(4096, 0)), Err(Error::OutOfBounds));
    assert_eq!(now(flash.erase(0, 100)), Err(Error::NotAligned));
    assert_eq!(now(flash.read(4095, &mut [0; 2])), Err(Error::OutOfBounds));
}

#[test]
fn a_power_cut_tears_one_word_and_stops_everything() {
    let mut flash = MemoryFlash::new(1);
    flash.cut_power_after(2);
    assert_eq!(now(flash.write(0, &[0; 16])), Err(Error::PowerCut));
    assert_eq!(now(flash.write(0, &[0; 4])), Err(Error::PowerCut));
    assert_eq!(now(flash.read(0, &mut [0; 4])), Err(Error::PowerCut));
    flash.restore_power();
    let mut octets = [1; 16];
    now(flash.read(0, &mut octets)).unwrap();
    assert_eq!(octets, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255]);
    assert_eq!(flash.steps(), 2);
}

#[test]
fn a_power_cut_leaves_half_a_page_erased() {
    let mut flash = MemoryFlash::new(2);
    now(flash.write(0, &[0; 8192])).unwrap();
    flash.cut_power_after(1);
    assert_eq!(now(flash.erase(0, 8192)), Err(Error::PowerCut));
    assert!(flash.contents()[..6144].iter().all(|octet| *octet == 0xFF));
    assert!(flash.contents()[6144..].iter().all(|octet| *octet == 0));
}

#[test]
fn a_file_keeps_what_was_written() {
    let path = std::env::temp_dir().join(format!("fanal-flash-{}", std::process::id()));
    let mut flash = FileFlash::open(&path, 2).unwrap();
    now(flash.write(4096, b"kept")).unwrap();
    drop(flash);
    let mut flash = FileFlash::open(&path, 2).unwrap();
    let mut octets = [0; 5];
    now(flash.read(4096, &mut octets)).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((&octets, flash.capacity()), (b"kept\xFF", 8192));
}

proptest! {
    /// Whenever the power fails, each octet holds the old value, the new one, or nothing in between but the torn word.
    #[test]
    fn a_torn_write_changes_a_prefix(data in proptest::collection::vec(any::<u8>(), 0..16), cut in 0u64..20) {
        let octets: Vec<u8> = data.iter().flat_map(|octet| [*octet; 4]).collect();
        let mut flash = MemoryFlash::new(1);
        flash.cut_power_after(cut);
        let result = now(flash.write(0, &octets));
        let written = if cut < data.len() as u64 { cut as usize * 4 + 2 } else { octets.len() };
        prop_assert_eq!(result.is_ok(), written == octets.len());
        prop_assert_eq!(&flash.contents()[..written], &octets[..written]);
        prop_assert!(flash.contents()[written..].iter().all(|octet| *octet == 0xFF));
    }
}
