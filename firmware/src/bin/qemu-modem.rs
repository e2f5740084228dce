//! The modem on the board that QEMU emulates.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image {
    use embassy_executor::Spawner;
    use fanal_board_qemu::{self as board, Board};
    use fanal_firmware::clock::BoardClock;
    use fanal_firmware::modem;
    use fanal_radio::tunnel::TunnelRadio;

    #[embassy_executor::task]
    async fn serve(board: Board) {
        let radio = TunnelRadio::new(board.air_in, board.air_out);
        // All emulated boards start alike: what differs is the number of the start and the host's sessions.
        let seed = u64::from(board.boot);
        modem::run(radio, board.host_in, board.host_out, &BoardClock, board.boot, seed).await;
        board::reset();
    }

    #[cortex_m_rt::entry]
    fn start() -> ! {
        let board = board::init();
        board::run(|spawner: Spawner| spawner.spawn(serve(board).expect("the first task has a place")))
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this image is for the board that QEMU emulates: firmware/build qemu");
}
