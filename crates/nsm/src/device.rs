//! The real device.

use crate::{Error, Transport};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use aws_nitro_enclaves_nsm_api::driver;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

const PATH: &str = "/dev/nsm";

/// An open `/dev/nsm`, closed when dropped.
///
/// AWS's `nsm_init` hides why an open failed and hands out a bare descriptor; opening the file
/// ourselves keeps the reason and the ownership.
#[derive(Debug)]
pub(crate) struct Device {
    file: File,
}

impl Device {
    pub(crate) fn open() -> Result<Self, Error> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(PATH)
            .map(|file| Self { file })
            .map_err(|cause| Error::Open {
                path: PATH.to_owned(),
                cause,
            })
    }
}

impl Transport for Device {
    fn exchange(&self, request: Request) -> Result<Response, Error> {
        Ok(driver::nsm_process_request(self.file.as_raw_fd(), request))
    }
}
