use super::*;

#[test]
fn no_octets_are_no_frame() {
    assert_eq!(kind_of(&[]), None);
    assert_eq!(Frame::parse(&[]), Err(Error::Empty));
}
