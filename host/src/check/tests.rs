use super::machine::{free_huge, soft_files};
use super::*;
use std::fs;

#[test]
fn the_limit_of_open_files_is_the_soft_one() {
    let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                Max processes             5                    6                    processes\n\
                Max open files            1024                 1048576              files\n";
    assert_eq!(soft_files(text), Some(1024));
    assert_eq!(
        soft_files(&text.replace("1024 ", "unlimited ")),
        Some(u64::MAX)
    );
    assert_eq!(soft_files("Max processes 5"), None);
    let own = fs::read_to_string("/proc/self/limits").unwrap();
    assert!(soft_files(&own).is_some());
}

#[test]
fn huge_pages_of_all_sizes_count() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(free_huge(folder.path()), None);
    for (name, pages) in [("hugepages-2048kB", "3\n"), ("hugepages-1048576kB", "1\n")] {
        let one = folder.path().join(name);
        fs::create_dir(&one).unwrap();
        fs::write(one.join("free_hugepages"), pages).unwrap();
    }
    assert_eq!(free_huge(folder.path()), Some((1 << 30) + (6 << 20)));
    assert_eq!(free_huge(&folder.path().join("none")), None);
}

#[tokio::test]
async fn a_machine_without_a_configuration_is_told_so() {
    let report = check(Path::new("/does/not/exist/host.toml")).await;
    assert!(!report.is_good());
    let first = &report.findings[0];
    assert_eq!(
        (first.subject, first.grade),
        ("configuration", Grade::Problem)
    );
    assert!(
        first.text.contains("/does/not/exist/host.toml"),
        "{}",
        first.text
    );
    assert!(
        report.findings.len() > 2,
        "what does not need it is looked at: {report:?}"
    );
    assert!(
        report
            .findings
            .iter()
            .all(|one| (one.grade == Grade::Good) == one.way_out.is_none())
    );
}
