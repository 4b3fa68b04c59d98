//! Checks of the machine below, before anything of the image runs.

use crate::console::log;
use std::error::Error;
use std::path::Path;

const RANDOM_SOURCE: &str = "/sys/class/misc/hw_random/rng_current";
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// The name that the NSM driver gives its random number generator.
const NSM_RANDOM: &str = "nsm-hwrng";

/// Settings that must stand on the kernel's command line, each with one value only.
///
/// The measured command line has them; a host that can append to it (an emulator can, Nitro cannot)
/// must not take them back.
const COMMAND_LINE: &[(&str, &str)] = &[
    ("random.trust_cpu", "off"),
    ("random.trust_bootloader", "off"),
];

/// Refuses a command line on which the kernel would trust randomness that does not come from the
/// NSM.
pub(crate) fn command_line() -> Result<(), Box<dyn Error>> {
    check_command_line(&read(Path::new("/proc/cmdline"))?)
}

fn check_command_line(text: &str) -> Result<(), Box<dyn Error>> {
    for (name, wanted) in COMMAND_LINE {
        let values: Vec<&str> = text
            .split_ascii_whitespace()
            .filter_map(|word| word.split_once('='))
            .filter(|(key, _)| key.replace('-', "_") == *name)
            .map(|(_, value)| value)
            .collect();
        if values.is_empty() || values.iter().any(|value| value != wanted) {
            return Err(format!("the kernel command line must say {name}={wanted} and nothing else of it, but is: {text}").into());
        }
    }
    Ok(())
}

/// Refuses to run unless the kernel's randomness comes from the NSM.
pub(crate) fn random_source() -> Result<(), Box<dyn Error>> {
    check_random_source(Path::new(RANDOM_SOURCE))
}

fn check_random_source(path: &Path) -> Result<(), Box<dyn Error>> {
    let current = read(path)?;
    if current == NSM_RANDOM {
        return Ok(());
    }
    Err(format!(
        "the kernel's random number generator is {current:?}, not {NSM_RANDOM:?}: this is not a Nitro enclave, or its NSM is missing"
    )
    .into())
}

/// Logs which clock the kernel uses: kvm-clock on Nitro hardware, something else in emulation.
pub(crate) fn log_clock_source() {
    match read(Path::new(CLOCK_SOURCE)) {
        Ok(name) => log!("clock source {name}"),
        Err(error) => log!("clock source unknown: {error}"),
    }
}

fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    std::fs::read_to_string(path)
        .map(|text| text.trim_end().to_owned())
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 16 of the requirements: only the NSM's generator is accepted.
    #[test]
    fn only_the_nsm_is_a_random_source() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let check = |content: &str| {
            std::fs::write(file.path(), content).unwrap();
            check_random_source(file.path()).map_err(|error| error.to_string())
        };
        check("nsm-hwrng\n").unwrap();
        for other in [
            "none\n",
            "virtio_rng.0\n",
            "tpm-rng-0\n",
            "nsm-hwrng2\n",
            "",
        ] {
            assert!(
                check(other).unwrap_err().contains("not a Nitro enclave"),
                "{other:?}"
            );
        }
        assert!(check_random_source(Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn the_command_line_must_not_trust_other_randomness() {
        let good = "console=ttyS0 random.trust_cpu=off random.trust_bootloader=off";
        check_command_line(good).unwrap();
        for bad in [
            "console=ttyS0",
            "random.trust_cpu=off",
            "random.trust_cpu=off random.trust_bootloader=off random.trust_cpu=on",
            "random.trust_cpu=off random.trust_bootloader=off random.trust-cpu=on",
            "random.trust_cpu=off random.trust_bootloader=0n",
        ] {
            assert!(check_command_line(bad).is_err(), "{bad}");
        }
    }
}
