//! What companies pay for a role, without any of them telling it: the mean, the median and other
//! percentiles, opened only when enough companies have reported.
//!
//! Reports on a role are a group of their own. A statistic needs at least [`salaries::QUORUM`] of
//! them, and the set of reports must differ from each set that was opened before by as many, or be
//! the same: else the difference of two statistics would tell what a single company pays.

#[quartet::contract]
pub mod salaries {
    //! The contract.

    use quartet::prelude::*;

    /// The least number of reports of which a statistic is opened.
    pub const QUORUM: u64 = 5;
    /// Which percentiles are opened; 50 is the median.
    pub const PERCENTILES: [usize; 5] = [10, 25, 50, 75, 90];

    /// The register of companies, and what was opened.
    #[state]
    pub struct Register {
        /// Who admits companies.
        registrar: Address,
        /// Who may report.
        companies: Set<Address>,
        /// The role of each computation.
        roles: Map<u64, u64>,
        /// How many computations there are.
        computations: u64,
        /// The last statistic of each role.
        statistics: Map<u64, Statistic>,
    }

    /// What a company seals: what it pays on average for a role.
    #[derive(SecretInput)]
    pub struct Report {
        /// In cents a year.
        pub salary: Secret<u64>,
    }

    /// What is opened.
    #[derive(Clone, Debug, PartialEq, Eq, Reveal)]
    pub struct Statistic {
        /// How many companies reported.
        pub companies: u64,
        /// Sum of the salaries, in cents; the mean is this divided by their number.
        pub total: u64,
        /// The salaries at [`PERCENTILES`], by the nearest rank, in cents.
        pub percentiles: [u64; 5],
    }

    /// Why the register refuses.
    #[error]
    pub enum RegisterError {
        /// Only registered companies may report.
        NotRegistered,
        /// Nothing has been opened for this role.
        NoStatistic,
    }

    /// A company reported on a role, or corrected its report.
    #[event]
    pub struct Reported {
        /// Which company.
        #[indexed]
        pub company: Address,
        /// Number of the role.
        #[indexed]
        pub role: u64,
    }

    /// A statistic was opened.
    #[event]
    pub struct Published {
        /// Number of the role.
        #[indexed]
        pub role: u64,
        /// The mean, in cents, rounded down.
        pub mean: u64,
        /// The median, in cents.
        pub median: u64,
    }

    #[init]
    fn new(s: &mut Register, ctx: &Ctx) {
        s.registrar = ctx.sender;
    }

    #[action(only = registrar)]
    fn admit(s: &mut Register, company: Address) {
        s.companies.insert(&company);
    }

    /// A company's last report on a role counts.
    #[input]
    fn report(s: &mut Register, ctx: &Ctx, role: u64, report: Sealed<Report>) -> Result<()> {
        ensure!(
            s.companies.contains(&ctx.sender),
            RegisterError::NotRegistered
        );
        report.set_group(role);
        report.replace();
        Reported {
            company: ctx.sender,
            role,
        }
        .emit();
        Ok(())
    }

    /// Anybody may ask for the statistic of a role.
    #[action]
    fn publish(s: &mut Register, role: u64) -> Start<statistic> {
        s.roles.insert(&s.computations, &role);
        s.computations += 1;
        Start::new().group(role)
    }

    #[compute(min_inputs = 5)]
    fn statistic(reports: SecretVec<Report>) -> Secret<Statistic> {
        let sorted = reports.salary.sort();
        let count = sorted.len();
        // The nearest rank: the least number that at least so many percent do not exceed.
        let rank = |percent: usize| (count * percent).div_ceil(100).max(1) - 1;
        Statistic::secret(
            Secret::public(count as u64),
            reports.salary.sum(),
            PERCENTILES.map(|percent| sorted.get(rank(percent))),
        )
    }

    #[attested]
    fn published(s: &mut Register, index: u64, statistic: Statistic) {
        let role = s.roles.get(&index).unwrap_or_default();
        s.roles.remove(&index);
        s.statistics.insert(&role, &statistic);
        Published {
            role,
            mean: statistic.total / statistic.companies.max(1),
            median: statistic.percentiles[2],
        }
        .emit();
    }

    #[failed]
    fn refused(s: &mut Register, index: u64, _fault: Fault) {
        s.roles.remove(&index);
    }

    #[view]
    fn statistic_of(s: &Register, role: u64) -> Result<Statistic> {
        s.statistics.get(&role).ok_or(RegisterError::NoStatistic)
    }

    #[view]
    fn companies(s: &Register) -> Vec<Address> {
        s.companies.iter().collect()
    }
}
