//! The survey against least squares in clear.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use contract_testing::{NOON, World, user};
use quartet::Fault;
use survey_contract::survey::{
    Answer, Contract, Evaluated, Findings, Number, STEPS, SurveyError,
    calls::{self, answer, close},
    evaluate,
};

type Survey = World<Contract>;

const EVENING: u64 = NOON + 6 * 3_600;
/// What slope and intercept may be off.
const ERROR: f64 = 1.0 / 131_072.0;

fn answered(answers: &[(u8, u8)]) -> Survey {
    let mut survey: Survey = World::deploy(NOON, user("anybody"), &calls::new(EVENING)).unwrap();
    for (place, (hours, satisfaction)) in answers.iter().enumerate() {
        let answer = answer(&Answer::plain(*hours, *satisfaction));
        survey
            .input(user(&format!("person {place}")), &answer)
            .unwrap();
    }
    survey
}

fn evaluated(survey: &mut Survey) -> Result<Findings, Fault> {
    survey.advance_to(EVENING);
    let started = survey.started::<evaluate>()[0];
    survey.try_run(started)
}

/// Slope and intercept by least squares.
fn line(answers: &[(u8, u8)]) -> (f64, f64) {
    let n = answers.len() as f64;
    let sum = |f: fn(f64, f64) -> f64| -> f64 {
        answers
            .iter()
            .map(|(x, y)| f(f64::from(*x), f64::from(*y)))
            .sum()
    };
    let (x, y) = (sum(|x, _| x), sum(|_, y| y));
    let variance = n * sum(|x, _| x * x) - x * x;
    let slope = if variance == 0.0 {
        0.0
    } else {
        (n * sum(|x, y| x * y) - x * y) / variance
    };
    (slope, (y - slope * x) / n)
}

fn number(number: Number) -> f64 {
    number.units() as f64 / f64::from(1 << 20)
}

#[track_caller]
fn found_as_in_clear(answers: &[(u8, u8)]) {
    let mut survey = answered(answers);
    let findings = evaluated(&mut survey).unwrap();
    let mut histogram = [0; STEPS];
    for (_, step) in answers {
        histogram[usize::from(*step)] += 1;
    }
    assert_eq!(findings.histogram, histogram);
    let (slope, intercept) = line(answers);
    let errors = [
        number(findings.slope) - slope,
        number(findings.intercept) - intercept,
    ];
    assert!(
        errors.iter().all(|error| error.abs() < 128.0 * ERROR),
        "{errors:?}"
    );
    let Findings {
        histogram,
        slope,
        intercept,
    } = findings;
    let expected = Evaluated {
        histogram,
        slope,
        intercept,
    };
    assert_eq!(survey.events::<Evaluated>(), [expected]);
}

#[quartet::test]
fn histogram_and_line_are_those_of_the_answers() {
    let answers: Vec<_> = (0..12).map(|i| (20 + 2 * i, 5 - i / 3)).collect();
    found_as_in_clear(&answers);
}

#[quartet::test(clear, mpc)]
fn all_kinds_of_answers() {
    let answers = |f: fn(u8) -> (u8, u8)| (0..17).map(f).collect::<Vec<_>>();
    found_as_in_clear(&answers(|_| (40, 3)));
    found_as_in_clear(&answers(|i| (i * 7 % 61, i % 6)));
    found_as_in_clear(&answers(|i| {
        (if i == 0 { 127 } else { 126 }, if i == 0 { 5 } else { 0 })
    }));
    found_as_in_clear(&answers(|i| (0, i % 6)));
}

#[quartet::test]
fn what_is_out_of_range_counts_as_the_nearest_step() {
    let mut answers = vec![(40, 3); 9];
    answers.push((255, 200));
    let mut survey = answered(&answers);
    let spoilt = evaluated(&mut survey).unwrap();
    drop(survey);
    answers[9] = (127, 5);
    let mut survey = answered(&answers);
    assert_eq!(spoilt, evaluated(&mut survey).unwrap());
}

#[quartet::test]
fn a_node_that_is_down_changes_nothing() {
    let mut survey = answered(&[(40, 3); 4]);
    survey.stop_node(2);
    for place in 4..10 {
        let answer = answer(&Answer::plain(40, 3));
        survey
            .input(user(&format!("person {place}")), &answer)
            .unwrap();
    }
    let findings = evaluated(&mut survey).unwrap();
    assert_eq!(findings.histogram, [0, 0, 0, 10, 0, 0]);
}

#[quartet::test]
fn nothing_is_opened_of_nine() {
    let mut survey = answered(&[(40, 3); 9]);
    assert_eq!(evaluated(&mut survey), Err(Fault::TooFewInputs));
    assert_eq!(
        survey.view(&calls::findings()),
        Err(SurveyError::NoFindings)
    );
}

#[quartet::test]
fn one_answer_each_and_none_too_late() {
    let mut survey = answered(&[(40, 3)]);
    let again = survey.input(user("person 0"), &answer(&Answer::plain(1, 1)));
    assert_eq!(again, Err(SurveyError::AlreadyAnswered));
    let early = survey.call(user("anybody"), &close()).map(|_| ());
    assert_eq!(early, Err(SurveyError::StillOpen { closes: EVENING }));
    survey.advance_to(EVENING);
    let late = survey.input(user("late"), &answer(&Answer::plain(1, 1)));
    assert_eq!(late, Err(SurveyError::Closed));
}
