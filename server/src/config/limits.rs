//! `limits.toml`: numbers that bound what the server does.

use crate::memory::JobMemory;
use anyhow::{Result, ensure};
use serde::Deserialize;
use std::time::Duration;

/// Numbers that bound what the server does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Limits {
    workers_per_cpu: usize,
    workers_max: usize,
    pub(crate) job_bytes: usize,
    poll_ms: u32,
    poll_most_ms: u32,
    connect_ms: u32,
    head_ms: u32,
    idle_ms: u32,
    exchange_ms: u32,
    delivery_ms: u32,
    begin_ms: u32,
    job_ms: u32,
    repeat_ms: u32,
    kept_ms: u32,
    kept_results: usize,
    kept_bytes: usize,
    sessions_begun: usize,
    sessions_idle: usize,
    job_memory_bytes: usize,
    job_memory_factor: usize,
    memory_reserve_bytes: usize,
    retry_first_ms: u32,
    retry_most_ms: u32,
    nsm_ms: u32,
    grace_ms: u32,
    tls_ms: u32,
    service_ms: u32,
    keep_ms: u32,
    pub(crate) service_connections: usize,
    mail_step_ms: u32,
    mail_ms: u32,
    clock_ms: u32,
    kms_document_ms: u32,
    kms_key_ms: u32,
    data_key_ms: u32,
    data_keys_per_kms_key: usize,
    data_keys: usize,
    reminder_pause_ms: u32,
    pub(crate) kms_key_uses: u32,
    sms_pause_ms: u32,
    por_days: u32,
    refusal_ms: u32,
    pub(crate) refusals_per_key: u8,
}

fn ms(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

impl Limits {
    pub(crate) fn timing(&self) -> letsesign_job_protocol::Timing {
        letsesign_job_protocol::Timing {
            connect: ms(self.connect_ms),
            head: ms(self.head_ms),
            idle: ms(self.idle_ms),
            exchange: ms(self.exchange_ms),
            delivery: ms(self.delivery_ms),
            begin: ms(self.begin_ms),
            retry_first: ms(self.retry_first_ms),
            retry_most: ms(self.retry_most_ms),
            body_bytes: self.job_bytes,
        }
    }

    /// Time limit of a job, from its receipt to its result.
    pub(crate) fn job(&self) -> Duration {
        ms(self.job_ms)
    }

    /// Time that a repeated job waits for the running one.
    pub(crate) fn repeat(&self) -> Duration {
        ms(self.repeat_ms)
    }

    /// Bounds of the table of sessions: kept results, their bytes and age, and remembered hashes.
    pub(crate) fn sessions(&self) -> crate::sessions::Bounds {
        crate::sessions::Bounds {
            results: self.kept_results,
            bytes: self.kept_bytes,
            time: ms(self.kept_ms),
            begun: self.sessions_begun,
            idle: self.sessions_idle,
        }
    }

    /// Memory of one job.
    pub(crate) fn job_memory(&self) -> JobMemory {
        JobMemory {
            fixed: self.job_memory_bytes,
            factor: self.job_memory_factor,
            job_bytes: self.job_bytes,
        }
    }

    /// Bytes reserved for everything but jobs: the program, kept results, connections.
    pub(crate) fn memory_reserve(&self) -> usize {
        self.memory_reserve_bytes
    }

    /// Number of concurrent jobs on this many CPUs.
    pub(crate) fn workers(&self, cpus: usize) -> usize {
        cpus.saturating_mul(self.workers_per_cpu)
            .min(self.workers_max)
    }

    /// Limits of the steps of an exchange with a service.
    pub(crate) fn steps(&self) -> letsesign_net::http::Limits {
        letsesign_net::http::Limits {
            connect: ms(self.connect_ms),
            head: ms(self.head_ms),
            idle: ms(self.idle_ms),
        }
    }

    pub(crate) fn tls(&self) -> Duration {
        ms(self.tls_ms)
    }

    pub(crate) fn service(&self) -> Duration {
        ms(self.service_ms)
    }

    pub(crate) fn keep(&self) -> Duration {
        ms(self.keep_ms)
    }

    /// Bounds of the table of unwrapped data keys.
    pub(crate) fn data_keys(&self) -> crate::data_keys::Bounds {
        crate::data_keys::Bounds {
            time: ms(self.data_key_ms),
            per_kms_key: self.data_keys_per_kms_key,
            entries: self.data_keys,
        }
    }

    /// Pause between two mails for one request of protocol 2.
    pub(crate) fn reminder_pause(&self) -> Duration {
        ms(self.reminder_pause_ms)
    }

    pub(crate) fn mail_step(&self) -> Duration {
        ms(self.mail_step_ms)
    }

    pub(crate) fn mail(&self) -> Duration {
        ms(self.mail_ms)
    }

    pub(crate) fn clock(&self) -> Duration {
        ms(self.clock_ms)
    }

    pub(crate) fn kms_document(&self) -> Duration {
        ms(self.kms_document_ms)
    }

    pub(crate) fn kms_key(&self) -> Duration {
        ms(self.kms_key_ms)
    }

    pub(crate) fn refusal(&self) -> Duration {
        ms(self.refusal_ms)
    }

    pub(crate) fn sms_pause(&self) -> Duration {
        ms(self.sms_pause_ms)
    }

    /// Validity of a request to sign, in milliseconds.
    pub(crate) fn por_validity(&self) -> u64 {
        u64::from(self.por_days) * 86_400_000
    }

    pub(crate) fn poll(&self) -> Duration {
        ms(self.poll_ms)
    }

    pub(crate) fn poll_most(&self) -> Duration {
        ms(self.poll_most_ms)
    }

    pub(crate) fn nsm(&self) -> Duration {
        ms(self.nsm_ms)
    }

    pub(crate) fn grace(&self) -> Duration {
        ms(self.grace_ms)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            (1..=1024).contains(&self.workers_max),
            "workers-max must be 1 to 1024"
        );
        ensure!(
            (1..=64).contains(&self.workers_per_cpu),
            "workers-per-cpu must be 1 to 64"
        );
        ensure!(
            (1..=1 << 30).contains(&self.job_bytes),
            "job-bytes must be 1 to 1073741824"
        );
        ensure!(
            (1..=1024).contains(&self.service_connections),
            "service-connections must be 1 to 1024"
        );
        ensure!(
            self.refusals_per_key > 0,
            "refusals-per-key must be 1 to 255"
        );
        for (name, number, least) in [
            ("kept-results", self.kept_results, 0),
            ("kept-bytes", self.kept_bytes, 0),
            ("sessions-begun", self.sessions_begun, 1),
            ("sessions-idle", self.sessions_idle, 0),
            ("job-memory-bytes", self.job_memory_bytes, 1),
            ("job-memory-factor", self.job_memory_factor, 1),
            ("memory-reserve-bytes", self.memory_reserve_bytes, 0),
            ("data-keys-per-kms-key", self.data_keys_per_kms_key, 0),
            ("data-keys", self.data_keys, 0),
        ] {
            ensure!(
                (least..=1 << 40).contains(&number),
                "{name} must be {least} to 1099511627776"
            );
        }
        ensure!(self.kms_key_uses > 0, "kms-key-uses must be 1 or more");
        ensure!(
            (1..=3650).contains(&self.por_days),
            "por-days must be 1 to 3650"
        );
        // KMS takes documents of the last five minutes.
        ensure!(
            self.kms_document_ms <= 240_000,
            "kms-document-ms must be 240000 or less"
        );
        for (name, number) in [
            ("poll-ms", self.poll_ms),
            ("poll-most-ms", self.poll_most_ms),
            ("connect-ms", self.connect_ms),
            ("head-ms", self.head_ms),
            ("idle-ms", self.idle_ms),
            ("exchange-ms", self.exchange_ms),
            ("delivery-ms", self.delivery_ms),
            ("begin-ms", self.begin_ms),
            ("job-ms", self.job_ms),
            ("repeat-ms", self.repeat_ms),
            ("kept-ms", self.kept_ms),
            ("retry-first-ms", self.retry_first_ms),
            ("retry-most-ms", self.retry_most_ms),
            ("nsm-ms", self.nsm_ms),
            ("grace-ms", self.grace_ms),
            ("tls-ms", self.tls_ms),
            ("service-ms", self.service_ms),
            ("keep-ms", self.keep_ms),
            ("mail-step-ms", self.mail_step_ms),
            ("mail-ms", self.mail_ms),
            ("clock-ms", self.clock_ms),
            ("kms-document-ms", self.kms_document_ms),
            ("kms-key-ms", self.kms_key_ms),
            ("sms-pause-ms", self.sms_pause_ms),
            ("data-key-ms", self.data_key_ms),
            ("reminder-pause-ms", self.reminder_pause_ms),
            ("refusal-ms", self.refusal_ms),
        ] {
            ensure!(
                (1..=3_600_000).contains(&number),
                "{name} must be 1 to 3600000"
            );
        }
        Ok(())
    }
}
