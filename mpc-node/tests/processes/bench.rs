//! The benchmark: four processes over the nodes' transport, with and without an emulated network.

use std::{
    error::Error,
    process::{Command, Output},
};

use serde_json::Value;

type TestResult = Result<(), Box<dyn Error>>;

fn bench(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_mpc-bench"))
        .args(arguments)
        .output()
}

#[test]
fn a_workload_is_measured_and_checked() -> TestResult {
    let network = ["--delay-ms", "1", "--mbit-s", "100"];
    for more in [&[][..], &["--repeat", "3"], &network] {
        let arguments = [&["mul", "--count", "2000", "--json"], more].concat();
        let output = bench(&arguments)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let report: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(report["workload"], "mul");
        assert_eq!(report["count"], 2000);
        let sent = report["max_party_bytes_sent"].as_u64().unwrap_or_default();
        assert!(sent >= 2000 * 8, "{report}");
        for key in [
            "seconds",
            "per_second",
            "rounds",
            "max_rss_bytes",
            "cpu_seconds",
        ] {
            assert!(
                report[key].as_f64().is_some_and(|value| value > 0.0),
                "{key}: {report}"
            );
        }
    }
    Ok(())
}

#[test]
fn three_parties_compute_the_same_from_a_reserve_and_lots_are_made() -> TestResult {
    for arguments in [
        &["mul", "--count", "2000", "--absent", "2"][..],
        &["lt", "--count", "500", "--absent", "0"],
        &["reserve", "--count", "1"],
    ] {
        let output = bench(&[arguments, &["--json"]].concat())?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let report: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(report["workload"], arguments[0]);
        let positive = |key: &str| report[key].as_f64().is_some_and(|value| value > 0.0);
        assert!(positive("seconds") && positive("rounds"), "{report}");
        let absent = arguments.contains(&"--absent");
        assert_eq!(positive("reserve_bytes"), absent, "{report}");
    }
    let refused = bench(&["reserve", "--count", "1", "--absent", "1"])?;
    assert!(!refused.status.success());
    Ok(())
}

#[test]
fn help_names_the_workloads_and_others_are_refused() -> TestResult {
    let help = bench(&["--help"])?;
    let help = String::from_utf8_lossy(&help.stdout);
    for workload in mpc_node::bench::workload::ALL {
        assert!(help.contains(&format!("  {} ", workload.name)), "{help}");
    }
    assert!(help.contains("  reserve "), "{help}");
    for wrong in [["mull", "--count", "1"], ["mul", "--count", "0"]] {
        let refused = bench(&wrong)?;
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--help"));
    }
    Ok(())
}
