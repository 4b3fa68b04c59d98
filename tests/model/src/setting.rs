//! The settings that are explored: who conspires with the host, and the bounds.

use crate::message::Claim;

/// All that a sender does that conspires with the host. It gives the host all its secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conspiracy {
    /// Nothing more.
    Secrets,
    /// It seals a second document under the same root.
    TwoDocuments,
    /// It seals a second configuration under the same root.
    TwoConfigurations,
    /// It makes boxes that open to two texts under two data keys.
    Doubles,
    /// Its configuration names another's domain.
    FalseDomain,
}

/// One setting. Sender, host, enclave and two signers are in all.
// Each is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name.
    pub name: &'static str,
    /// The number of tasks, each signed by both signers.
    pub tasks: u8,
    /// Whether one sender made all tasks, or each its own.
    pub one_sender: bool,
    /// Whether task 0 is signed in order. Another is not.
    pub in_order: bool,
    /// How often the clock moves. What is attested between two moves has the same time.
    pub ticks: u8,
    /// How often the enclave restarts.
    pub restarts: u8,
    /// All that the senders can state: task and claim, each at most once.
    pub claims: &'static [(u8, Claim)],
    /// All that the sender of task 0 does with the host.
    pub conspiracy: Option<Conspiracy>,
    /// Mailboxes that the host reads.
    pub read_mailboxes: &'static [u8],
    /// Phones that the host reads.
    pub read_phones: &'static [u8],
    /// Whether the signers' phones are checked.
    pub phones: bool,
    /// Whether the sender of task 0 has sealed its account anew, for another mail provider.
    pub new_provider: bool,
    /// Whether links of an earlier round come to the host once the sender has stated a new round.
    pub leaks: bool,
    /// The most different mails for one request and mailbox.
    pub mails: usize,
    /// The most uses of links by one person for one task.
    pub uses: usize,
}

/// Two senders, two tasks, two signers: the host alone is hostile.
pub const PLAIN: Setting = Setting {
    name: "two senders",
    tasks: 2,
    one_sender: false,
    in_order: true,
    ticks: 1,
    restarts: 0,
    claims: &[],
    conspiracy: None,
    read_mailboxes: &[],
    read_phones: &[],
    phones: false,
    new_provider: false,
    leaks: false,
    mails: 1,
    uses: 1,
};

const ONE_TASK: Setting = Setting {
    tasks: 1,
    mails: 2,
    ..PLAIN
};

const SECOND_ROUND: Claim = Claim::NewRound {
    signer: 0,
    round: 2,
};

/// All settings.
pub const SETTINGS: &[Setting] = &[
    ONE_TASK_TWICE,
    Setting {
        name: "a thief of mails",
        in_order: false,
        read_mailboxes: &[0, 1],
        read_phones: &[1],
        phones: true,
        ..ONE_TASK
    },
    Setting {
        name: "a hostile signer",
        read_mailboxes: &[1],
        ..ONE_TASK
    },
    Setting {
        name: "a new provider",
        in_order: false,
        ticks: 0,
        new_provider: true,
        ..ONE_TASK
    },
    Setting {
        name: "a conspiring sender",
        conspiracy: Some(Conspiracy::Secrets),
        uses: 2,
        ..ONE_TASK
    },
    Setting {
        name: "two documents",
        in_order: false,
        ticks: 0,
        conspiracy: Some(Conspiracy::TwoDocuments),
        ..ONE_TASK
    },
    Setting {
        name: "two configurations",
        in_order: false,
        ticks: 0,
        conspiracy: Some(Conspiracy::TwoConfigurations),
        ..ONE_TASK
    },
    Setting {
        name: "double boxes",
        in_order: false,
        ticks: 0,
        conspiracy: Some(Conspiracy::Doubles),
        ..ONE_TASK
    },
    Setting {
        name: "a false domain",
        in_order: false,
        ticks: 0,
        conspiracy: Some(Conspiracy::FalseDomain),
        ..ONE_TASK
    },
    Setting {
        name: "a restart",
        restarts: 1,
        ..ONE_TASK
    },
    Setting {
        name: "phones",
        phones: true,
        in_order: false,
        ticks: 0,
        uses: 2,
        ..ONE_TASK
    },
    Setting {
        name: "a new round",
        in_order: false,
        ticks: 0,
        claims: &[(0, SECOND_ROUND)],
        leaks: true,
        uses: 2,
        ..ONE_TASK
    },
    Setting {
        name: "a new round in order",
        ticks: 0,
        claims: &[(0, SECOND_ROUND)],
        uses: 2,
        ..ONE_TASK
    },
    Setting {
        name: "statements",
        in_order: false,
        ticks: 0,
        claims: &[(0, SECOND_ROUND), (0, Claim::Void), (1, Claim::Void)],
        ..PLAIN
    },
    Setting {
        name: "one sender, two tasks",
        one_sender: true,
        ..PLAIN
    },
    PLAIN,
    Setting {
        name: "a conspiring and an honest sender",
        conspiracy: Some(Conspiracy::Secrets),
        ..PLAIN
    },
    Setting {
        name: "two senders, a restart",
        in_order: false,
        ticks: 0,
        restarts: 1,
        ..PLAIN
    },
];

const ONE_TASK_TWICE: Setting = Setting {
    name: "one task",
    uses: 2,
    ..ONE_TASK
};
