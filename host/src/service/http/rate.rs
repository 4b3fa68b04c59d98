//! How often somebody may call.

use crate::config::Rate;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

/// Calls between two times that what is not needed any more is forgotten.
const FORGET: u32 = 4096;

/// The limits of addresses and keys.
pub(crate) struct Rates {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<String>,
    calls: AtomicU32,
}

/// Somebody calls too often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exceeded {
    /// When it is worth another try.
    pub(crate) seconds: u64,
}

impl Rates {
    pub(crate) fn new(rate: Rate) -> Self {
        let quota =
            |a_minute| Quota::per_minute(NonZeroU32::new(a_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            addresses: RateLimiter::keyed(quota(rate.address)),
            keys: RateLimiter::keyed(quota(rate.key)),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call without a key. An IPv6 network of 64 bits is one caller: it is what a
    /// connection has.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Exceeded> {
        self.forget();
        let caller = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
        };
        self.addresses.check_key(&caller).map_err(exceeded)
    }

    /// Counts a call with a key.
    pub(crate) fn key(&self, id: &str) -> Result<(), Exceeded> {
        self.forget();
        self.keys.check_key(&id.to_owned()).map_err(exceeded)
    }

    fn forget(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) % FORGET == FORGET - 1 {
            self.addresses.retain_recent();
            self.keys.retain_recent();
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn exceeded(
    until: governor::NotUntil<<DefaultClock as governor::clock::Clock>::Instant>,
) -> Exceeded {
    let wait = until.wait_time_from(DefaultClock::default().now());
    Exceeded {
        seconds: wait.as_secs() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_have_their_own_limits() {
        let rates = Rates::new(Rate { address: 2, key: 3 });
        let address = |text: &str| rates.address(text.parse().unwrap()).is_ok();
        assert!(address("192.0.2.1") && address("192.0.2.1"));
        assert!(!address("192.0.2.1"));
        assert!(address("192.0.2.2"));
        // One connection's network.
        assert!(address("2001:db8::1") && address("2001:db8::2"));
        assert!(!address("2001:db8::3"));
        assert!(address("2001:db8:0:1::1"));
        assert!((0..3).all(|_| rates.key("a").is_ok()) && rates.key("b").is_ok());
        let exceeded = rates.key("a").unwrap_err();
        assert!((1..=61).contains(&exceeded.seconds), "{exceeded:?}");
    }
}
