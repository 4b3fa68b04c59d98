//! The services that the enclave will need.

use super::Report;
use crate::config::Config;
use crate::relay::{Destination, Options, is_allowed};
use crate::run;
use crate::supervisor::Image;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// One lookup or connection.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn look(config: &Config, image: &Image, report: &mut Report) {
    let options = match run::relay_options(config) {
        Ok(options) => options,
        Err(error) => {
            let way_out = "correct [relay] in the configuration";
            report.problem("relay", format!("{error:#}"), way_out);
            return;
        }
    };
    for destination in &image.egress.destinations {
        let label = destination.label();
        match resolve(destination, &options).await {
            Err((text, way_out)) => report.problem("services", text, way_out),
            Ok(addresses) => match timeout(LIMIT, connects(&addresses)).await {
                Ok(true) => report.good("services", format!("{label} can be reached")),
                Ok(false) | Err(_) => report.problem(
                    "services",
                    format!("{label} cannot be reached"),
                    "allow it in the security group and the route table",
                ),
            },
        }
    }
}

/// The addresses that the relay would use, or the problem and the way out.
async fn resolve(
    destination: &Destination,
    options: &Options,
) -> Result<Vec<SocketAddr>, (String, String)> {
    let label = destination.label();
    let key = (destination.host.clone(), destination.port);
    if let Some(address) = options.overrides.get(&key) {
        return Ok(vec![*address]);
    }
    let name = (destination.host.as_str(), destination.port);
    let found: Vec<SocketAddr> = match timeout(LIMIT, lookup_host(name)).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            let way_out = "make DNS work (/etc/resolv.conf), or give the VPC an endpoint";
            return Err((format!("{label}: {error}"), way_out.to_owned()));
        }
        Err(_) => {
            let way_out = "look into /etc/resolv.conf".to_owned();
            return Err((format!("{label}: DNS does not answer"), way_out));
        }
    };
    let networks = options.allow_addresses.get(&destination.host);
    let networks = networks.map_or(&[][..], Vec::as_slice);
    let good = found.iter().filter(|one| is_allowed(one.ip(), networks));
    let good: Vec<SocketAddr> = good.copied().collect();
    if good.is_empty() {
        let shown: Vec<String> = found.iter().map(|one| one.ip().to_string()).collect();
        return Err((
            format!("{label} has private addresses only: {}", shown.join(", ")),
            format!(
                "if they are right, list them: [relay.allow] \"{}\" = [...]",
                destination.host
            ),
        ));
    }
    Ok(good)
}

/// Whether one of them accepts a connection.
async fn connects(addresses: &[SocketAddr]) -> bool {
    for address in addresses {
        if TcpStream::connect(address).await.is_ok() {
            return true;
        }
    }
    false
}
