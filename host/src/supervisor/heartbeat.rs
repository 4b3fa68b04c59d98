//! Nitro's boot protocol, in emulation: on Nitro, nitro-cli answers it.

use crate::transport::Listener;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::{debug, warn};

/// The byte that init sends and reads back.
const HEARTBEAT: u8 = 0xb7;
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Answers heartbeats until it is dropped.
pub(super) async fn serve(mut listener: Box<dyn Listener>) {
    loop {
        let mut connection = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                warn!(%error, "cannot accept the heartbeat");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let answer = async {
            let byte = connection.read_u8().await?;
            if byte == HEARTBEAT {
                connection.write_u8(HEARTBEAT).await?;
                connection.shutdown().await?;
            }
            Ok::<u8, std::io::Error>(byte)
        };
        match tokio::time::timeout(LIMIT, answer).await {
            Ok(Ok(HEARTBEAT)) => debug!("the enclave's heartbeat"),
            Ok(Ok(byte)) => warn!(byte, "the heartbeat is another byte"),
            Ok(Err(error)) => warn!(%error, "the heartbeat broke off"),
            Err(_) => warn!("the enclave connected and sent no heartbeat"),
        }
    }
}
