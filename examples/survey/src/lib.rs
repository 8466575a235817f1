//! A survey with a regression: how satisfied people are, how that goes with the hours that they
//! work, and nobody's answer is ever seen.
//!
//! It opens a histogram of the satisfaction, and the line that fits it best by least squares, in
//! fixed point.

#[quartet::contract]
pub mod survey {
    //! The contract.

    use quartet::prelude::*;

    /// Steps of satisfaction: 0 is none, the last is full.
    pub const STEPS: usize = 6;
    /// The least number of answers of which anything is opened.
    pub const LEAST: u64 = 10;

    /// A number with 20 bits after the point.
    pub type Number = Fixed<20>;

    /// The survey.
    #[state]
    pub struct Survey {
        /// When it ends.
        closes: Time,
        /// Who has answered.
        answered: Set<Address>,
        /// Whether it is being evaluated.
        evaluating: bool,
        /// What came of it.
        findings: Item<Findings>,
    }

    /// What a person seals.
    #[derive(SecretInput)]
    pub struct Answer {
        /// Hours of work in a week, at most 127; more count as 127.
        pub hours: Secret<u8>,
        /// Satisfaction, from 0 to [`STEPS`] − 1; more counts as the last step.
        pub satisfaction: Secret<u8>,
    }

    /// What is opened.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Findings {
        /// How many people answered each step of satisfaction.
        pub histogram: [u64; STEPS],
        /// Steps of satisfaction for an hour more of work; 0 if all work the same hours.
        pub slope: Number,
        /// Satisfaction without any work, by that line.
        pub intercept: Number,
    }

    /// Why the survey refuses.
    #[error]
    pub enum SurveyError {
        /// It has ended.
        Closed,
        /// It ends at this time.
        StillOpen {
            /// Seconds since the Unix epoch.
            closes: Time,
        },
        /// Each person answers once.
        AlreadyAnswered,
        /// It is being evaluated, or was.
        AlreadyEvaluated,
        /// There are no findings yet.
        NoFindings,
    }

    /// Somebody answered.
    #[event]
    pub struct Answered {
        /// Who.
        #[indexed]
        pub person: Address,
    }

    /// The survey was evaluated.
    #[event]
    pub struct Evaluated {
        /// The histogram of satisfaction.
        pub histogram: [u64; STEPS],
        /// Slope of the line, in units of 2^−20.
        pub slope: Number,
        /// Its intercept, likewise.
        pub intercept: Number,
    }

    #[init]
    fn new(s: &mut Survey, closes: Time) {
        s.closes = closes;
    }

    #[input]
    fn answer(s: &mut Survey, ctx: &Ctx, _answer: Sealed<Answer>) -> Result<()> {
        ensure!(ctx.time < s.closes, SurveyError::Closed);
        ensure!(
            !s.answered.contains(&ctx.sender),
            SurveyError::AlreadyAnswered
        );
        s.answered.insert(&ctx.sender);
        Answered { person: ctx.sender }.emit();
        Ok(())
    }

    /// Happens by itself when the survey has ended. Should it fail, anybody may do it.
    #[action]
    #[at(closes)]
    fn close(s: &mut Survey, ctx: &Ctx) -> Result<Start<evaluate>> {
        ensure!(
            ctx.time >= s.closes,
            SurveyError::StillOpen { closes: s.closes }
        );
        ensure!(!s.evaluating, SurveyError::AlreadyEvaluated);
        s.evaluating = true;
        Ok(Start::new())
    }

    #[compute(min_inputs = 10)]
    fn evaluate(answers: SecretVec<Answer>) -> Secret<Findings> {
        let count = answers.hours.len() as i64;
        let x = answers.hours.min(127).cast::<i64>();
        let steps = answers.satisfaction.min(STEPS as u8 - 1);
        let y = steps.cast::<i64>();

        // Exact sums: of 10,000 answers none of these products reaches 2^46.
        let (sum_x, sum_y) = (x.sum(), y.sum());
        let covariance = x.dot(y) * count - sum_x * sum_y;
        let variance = x.dot(x) * count - sum_x * sum_x;
        let flat = variance.eq(0);
        let divisor = flat.select(1, variance);
        let slope = ratio(flat.select(0, covariance), divisor);
        // (Σy − slope · Σx) / n
        let mean = |sum: Secret<i64>| ratio(sum, Secret::public(count));
        let intercept = mean(sum_y) - narrow(wide(slope) * wide(mean(sum_x)));

        let histogram = steps.histogram(STEPS);
        Findings::secret(
            std::array::from_fn(|step| histogram.get(step)),
            slope,
            intercept,
        )
    }

    /// A number as one of 128 bits, whose products have room.
    fn wide(number: Secret<Number>) -> Secret<Fixed128<40>> {
        number.cast()
    }

    fn narrow(number: Secret<Fixed128<40>>) -> Secret<Number> {
        number.cast()
    }

    /// The quotient of two whole numbers.
    fn ratio(numerator: Secret<i64>, denominator: Secret<i64>) -> Secret<Number> {
        let wide = |number: Secret<i64>| number.cast::<Fixed128<40>>();
        narrow(wide(numerator) / wide(denominator))
    }

    #[attested]
    fn evaluated(s: &mut Survey, findings: Findings) {
        s.findings.set(&findings);
        Evaluated {
            histogram: findings.histogram,
            slope: findings.slope,
            intercept: findings.intercept,
        }
        .emit();
    }

    /// After this anybody may close the survey again: with too few answers nothing is opened.
    #[failed]
    fn failed(s: &mut Survey, _fault: Fault) {
        s.evaluating = false;
    }

    #[view]
    fn findings(s: &Survey) -> Result<Findings> {
        s.findings.get().ok_or(SurveyError::NoFindings)
    }
}
