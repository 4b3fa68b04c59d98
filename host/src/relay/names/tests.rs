use super::*;
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Answers in turn, each with the time of its lookup; then it panics.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<Answer, DnsError>>>,
    times: Mutex<Vec<Instant>>,
}

#[async_trait]
impl Resolve for Script {
    async fn lookup(&self, host: &str) -> Result<Answer, DnsError> {
        assert_eq!(host, "a.example");
        self.times.lock().unwrap().push(Instant::now());
        let answer = self.answers.lock().unwrap().pop_front();
        answer.expect("a resolver that panics")
    }
}

#[allow(clippy::unnecessary_wraps, reason = "as errors are given")]
fn good(addresses: &[&str], ttl: u64) -> Result<Answer, DnsError> {
    let addresses = addresses.iter().map(|text| text.parse().unwrap());
    Ok(Answer {
        addresses: addresses.collect(),
        ttl: Duration::from_secs(ttl),
    })
}

fn start(answers: Vec<Result<Answer, DnsError>>, allowed: &[&str]) -> (Names, Arc<Script>) {
    let script = Arc::new(Script::default());
    *script.answers.lock().unwrap() = answers.into();
    let settings = NameSettings {
        host: "a.example".into(),
        label: "a.example:443".into(),
        allowed: allowed.iter().map(|text| text.parse().unwrap()).collect(),
        options: NameOptions::default(),
    };
    let resolver: Arc<dyn Resolve> = script.clone();
    (Names::start(settings, resolver), script)
}

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

/// Seconds between the lookups.
fn pauses(script: &Script) -> Vec<u64> {
    let times = script.times.lock().unwrap();
    times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect()
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_again_when_its_time_is_over_within_bounds() {
    let answers = vec![
        good(&["8.0.0.1"], 60),
        good(&["8.0.0.2"], 0),
        good(&["8.0.0.3"], 1_000_000),
        good(&["8.0.0.4"], 10),
    ];
    let (names, script) = start(answers, &[]);
    assert_eq!(texts(&names.addresses().await), ["8.0.0.1"]);
    seconds(59).await;
    assert_eq!(texts(&names.addresses().await), ["8.0.0.1"]);
    seconds(2).await;
    assert_eq!(texts(&names.addresses().await), ["8.0.0.2"]);
    seconds(306).await;
    assert_eq!(texts(&names.addresses().await), ["8.0.0.4"]);
    assert_eq!(pauses(&script), [60, 5, 300]);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_addresses_are_kept_while_dns_fails_and_panics() {
    let mut answers = vec![good(&["8.0.0.1"], 10)];
    answers.extend([
        Err(DnsError::TimedOut),
        Err(DnsError::NoAddresses),
        Err(DnsError::Failed),
    ]);
    answers.extend([good(&[], 60), good(&["10.0.0.1"], 60)]);
    // After these the resolver panics, again and again.
    let (names, script) = start(answers, &[]);
    names.addresses().await;
    seconds(600).await;
    assert_eq!(texts(&names.addresses().await), ["8.0.0.1"]);
    assert_eq!(pauses(&script)[..9], [10, 1, 2, 4, 8, 16, 30, 30, 30]);
    // Back.
    script
        .answers
        .lock()
        .unwrap()
        .push_back(good(&["8.0.0.9"], 60));
    seconds(31).await;
    assert_eq!(texts(&names.addresses().await), ["8.0.0.9"]);
}

#[tokio::test(start_paused = true)]
async fn without_any_answer_a_caller_waits_for_one() {
    let (names, _script) = start(vec![Err(DnsError::Failed), good(&["8.0.0.1"], 60)], &[]);
    let start = Instant::now();
    assert_eq!(texts(&names.addresses().await), ["8.0.0.1"]);
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_hangs_is_given_up() {
    struct Hangs;
    #[async_trait]
    impl Resolve for Hangs {
        async fn lookup(&self, _: &str) -> Result<Answer, DnsError> {
            std::future::pending().await
        }
    }
    let settings = NameSettings {
        host: "a.example".into(),
        label: String::new(),
        allowed: Vec::new(),
        options: NameOptions::default(),
    };
    let start = Instant::now();
    assert_eq!(lookup(&settings, &Hangs).await, Err(DnsError::TimedOut));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn refused_addresses_are_left_out_and_listed_ones_are_not() {
    let mixed = || good(&["10.0.0.1", "8.0.0.1", "169.254.169.254", "::1"], 60);
    let (names, _script) = start(vec![mixed()], &[]);
    assert_eq!(texts(&names.addresses().await), ["8.0.0.1"]);
    let (names, _script) = start(vec![mixed()], &["10.0.0.0/24"]);
    assert_eq!(texts(&names.addresses().await), ["10.0.0.1", "8.0.0.1"]);
}

#[test]
fn families_come_in_turn_each_address_once_and_not_too_many() {
    let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let list = [
        "8.0.0.2", "8.0.0.1", "2600::2", "8.0.0.2", "2600::1", "8.0.0.3",
    ];
    let expected = ["2600::2", "8.0.0.2", "2600::1", "8.0.0.1", "8.0.0.3"];
    assert_eq!(texts(&in_turn(parse(&list))), expected);
    let many = (0..1000_u32).map(|number| std::net::Ipv4Addr::from(0x0800_0000 + number).into());
    assert_eq!(in_turn(many.collect()).len(), ADDRESSES);
}
