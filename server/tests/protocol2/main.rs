//! Protocol 2 against a whole server: the flows, every code of its page, and attacks by the host.

#![cfg(test)]

mod attacks;
mod codes;
mod downgrade;
mod flows;
mod node;
mod senders;

use letsesign_protocol2::{Account, Action, Configuration};
use letsesign_testbed::client::protocol2::{Link2, Task2, account, configuration};
use letsesign_testbed::{Attested, Json, Options, Server, Testbed, pdf};
use serde_json::Value;

/// A testbed with a server in it.
pub(crate) struct Rig {
    pub(crate) testbed: Testbed,
    pub(crate) server: Server,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(limits: &[(&str, &str)]) -> Self {
        let testbed = Testbed::start(Options::default()).await.unwrap();
        let server = Self::server(&testbed, limits);
        Self { testbed, server }
    }

    fn server(testbed: &Testbed, limits: &[(&str, &str)]) -> Server {
        let program = env!("CARGO_BIN_EXE_letsesign-server").as_ref();
        // Refusals wait for the fixed time: nothing here measures it.
        let mut all = limits.to_vec();
        for limit in [
            ("poll-ms", "5"),
            ("workers-max", "2"),
            ("refusal-ms", "50"),
            ("reminder-pause-ms", "1"),
        ] {
            if all.iter().all(|(name, _)| *name != limit.0) {
                all.push(limit);
            }
        }
        Server::start(program, testbed, &all)
    }

    /// Another start of the enclave.
    pub(crate) fn restart(&mut self) {
        self.server = Self::server(&self.testbed, &[]);
    }

    pub(crate) async fn run(&self, name: &str, job: &Json) -> Value {
        self.testbed.run(name, job).await
    }

    pub(crate) async fn code(&self, name: &str, job: &Json) -> u64 {
        self.run(name, job).await["code"].as_u64().unwrap()
    }

    /// Runs a job that mails a link to a signer.
    pub(crate) async fn mailed(&self, name: &str, job: &Json, signer: usize) -> (Value, Link2) {
        let before = self.testbed.mailbox.count();
        let result = self.run(name, job).await;
        assert_eq!(result["code"], 0, "{result}");
        let mails = self.testbed.mailbox.since(before);
        let address = format!("signer{signer}@example.com");
        let mail = mails.iter().find(|mail| {
            mail.recipients == [address.clone()]
                && mail
                    .parsed()
                    .html
                    .is_some_and(|html| html.contains("#letsesign2="))
        });
        (
            result,
            Link2::of(&mail.expect("a mail with a link").parsed()),
        )
    }

    /// Asks the first signer in the first round, or any signer of a task without order.
    pub(crate) async fn asked(&self, task: &Task2, signer: u16) -> (Attested, Link2) {
        self.asked_by(&task.send_req(signer, 1), signer).await
    }

    /// Asks a signer behind the one before.
    pub(crate) async fn asked_after(
        &self,
        task: &Task2,
        signer: u16,
        poi: &Attested,
    ) -> (Attested, Link2) {
        self.asked_by(&task.send_req_after(signer, poi), signer)
            .await
    }

    async fn asked_by(&self, job: &Json, signer: u16) -> (Attested, Link2) {
        let (result, link) = self.mailed("sendReq", job, signer.into()).await;
        (Attested::of(&result), link)
    }

    /// Asks a signer, who confirms.
    pub(crate) async fn confirmed(&self, task: &Task2, signer: u16) -> Attested {
        let (por, link) = self.asked(task, signer).await;
        self.confirms(task, &por, &link).await
    }

    /// Asks a signer behind the one before, who confirms.
    pub(crate) async fn confirmed_after(
        &self,
        task: &Task2,
        signer: u16,
        poi: &Attested,
    ) -> Attested {
        let (por, link) = self.asked_after(task, signer, poi).await;
        self.confirms(task, &por, &link).await
    }

    async fn confirms(&self, task: &Task2, por: &Attested, link: &Link2) -> Attested {
        let answer = link.answer(Action::Confirm, None, None);
        Attested::of(&self.run("confirmIntent", &task.answer(por, &answer)).await)
    }
}

/// A task with an account of its own.
pub(crate) fn task(signers: usize) -> Task2 {
    changed(signers, |_, _| ())
}

/// A task with changes to account and configuration.
pub(crate) fn changed(
    signers: usize,
    change: impl FnOnce(&mut Account, &mut Configuration),
) -> Task2 {
    let (mut account, mut configuration) = (account(), configuration(signers));
    change(&mut account, &mut configuration);
    Task2::seal(&account, &configuration, true, &pdf::document(2, 0))
}

/// A task whose signers sign in any order.
pub(crate) fn unordered(signers: usize, change: impl FnOnce(&mut Configuration)) -> Task2 {
    let (account, mut configuration) = (account(), configuration(signers));
    change(&mut configuration);
    Task2::seal(&account, &configuration, false, &pdf::document(2, 0))
}
