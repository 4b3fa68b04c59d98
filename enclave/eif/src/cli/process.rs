//! The program that init runs: the image's own, changed by options.

use super::args::ProcessArgs;
use eif::{InitConfig, Process};

/// The last name of a variable wins, as in a shell. What AWS's init cannot do is left out with a
/// note where the image asks for it, as nitro-cli leaves it out; where an option asks for it, the
/// build refuses it.
pub(super) fn of(args: &ProcessArgs, mut process: Process, config: InitConfig) -> Process {
    let words = if args.command.is_empty() {
        &args.exec
    } else {
        &args.command
    };
    if config == InitConfig::Aws {
        fit_aws(&mut process, words.is_empty());
    }
    if !words.is_empty() {
        process.entrypoint.clone_from(words);
        process.cmd = Vec::new();
    }
    for variable in &args.env {
        let name = variable.split('=').next().unwrap_or_default();
        process
            .env
            .retain(|other| other.split('=').next() != Some(name));
        process.env.push(variable.clone());
    }
    if args.user.is_some() {
        process.user.clone_from(&args.user);
    }
    if args.workdir.is_some() {
        process.working_dir.clone_from(&args.workdir);
    }
    process
}

fn fit_aws(process: &mut Process, runs_image: bool) {
    let note = |text: String| eprintln!("note: {}", letsesign_escape::line(&text));
    if let Some(user) = process.user.take()
        && !matches!(user.as_str(), "" | "0" | "root" | "0:0" | "root:root")
    {
        note(format!(
            "the image's user {user} is left out: AWS's init runs programs as root"
        ));
    }
    if let Some(folder) = process.working_dir.take()
        && !matches!(folder.as_str(), "" | "/")
    {
        note(format!(
            "the image's working directory {folder} is left out: AWS's init starts programs in /"
        ));
    }
    if runs_image && !process.entrypoint.is_empty() && !process.cmd.is_empty() {
        note(
            "the image has Entrypoint and Cmd, which are one command as with docker run; nitro-cli \
             would run Cmd alone"
                .to_owned(),
        );
    }
}
