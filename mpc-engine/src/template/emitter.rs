//! Writing templates: gives out registers, tracks domains, classes and depths, and cuts the code
//! into stages.

mod finish;

use super::{Class, Extent, Instruction, Mode, Public, Reg, Step};
use crate::{protocol::network, roles::PAIRS, vector::Domain};

/// What is known of a register while the template is written.
#[derive(Clone, Copy)]
struct Info {
    domain: Domain,
    class: Class,
    /// Exchanges that must have happened before it is there.
    depth: usize,
    extent: Extent,
}

/// Writes a [`Template`].
pub(crate) struct Emitter {
    mode: Mode,
    halves: [[usize; 2]; 2],
    registers: Vec<Info>,
    steps: Vec<(usize, Step)>,
}

/// Bytes that a vector takes besides its lanes: short ones fill a cache line or two, and are counted.
pub(crate) const VECTOR_OVERHEAD: usize = 192;
pub(super) const FULL: u8 = 0b1111;

impl Emitter {
    /// `halves` are the two pairs into which the components are divided where two parties' common
    /// knowledge is used.
    pub(crate) const fn new(mode: Mode, halves: [[usize; 2]; 2]) -> Self {
        Self {
            mode,
            halves,
            registers: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn domain(&self, a: Reg) -> Domain {
        self.registers[a.0 as usize].domain
    }

    /// The components that can be non-zero; of a known value, those that its share will have.
    pub(crate) fn support(&self, a: Reg) -> u8 {
        match self.registers[a.0 as usize].class {
            Class::Share { support } => support,
            Class::Known { half } => self.half_mask(half),
            Class::Opened => FULL,
        }
    }

    fn half_mask(&self, half: u8) -> u8 {
        if self.mode != Mode::Normal {
            return 1 << half;
        }
        let [a, b] = self.halves[usize::from(half)];
        1 << a | 1 << b
    }

    fn half_of(&self, a: Reg) -> u8 {
        match self.registers[a.0 as usize].class {
            Class::Known { half } => half,
            Class::Share { .. } | Class::Opened => 0,
        }
    }

    fn emit(&mut self, instruction: Instruction, domain: Domain, class: Class) -> Reg {
        self.emit_many(instruction, domain, class, 1)
    }

    fn emit_many(
        &mut self,
        instruction: Instruction,
        domain: Domain,
        class: Class,
        count: usize,
    ) -> Reg {
        let extent = self.extent(&instruction);
        self.push(
            instruction,
            domain,
            std::iter::repeat_n((class, extent), count),
        )
    }

    /// Adds a step with its results, each of this class and extent.
    fn push(
        &mut self,
        instruction: Instruction,
        domain: Domain,
        results: impl Iterator<Item = (Class, Extent)>,
    ) -> Reg {
        let mut at = 0;
        instruction.for_each_source(|r| at = at.max(self.registers[r.0 as usize].depth));
        let depth = at + usize::from(instruction.is_interactive());
        let to = Reg(self.registers.len() as u32);
        self.registers.extend(results.map(|(class, extent)| Info {
            domain,
            class,
            depth,
            extent,
        }));
        let step = Step {
            to,
            domain,
            instruction,
            last_use: Vec::new(),
        };
        self.steps.push((at, step));
        to
    }

    /// The extent of an instruction's results: if it does not say, that of all sources.
    fn extent(&self, instruction: &Instruction) -> Extent {
        match instruction {
            Instruction::SumRows(_) | Instruction::DotRows { .. } => return Extent::Rows,
            Instruction::Unmask { rows: true, .. } => return Extent::Rows,
            Instruction::Differences { layer, .. } => return Extent::Switches(*layer),
            Instruction::Switches { route, layer, .. } => {
                if let Extent::Network(layers) = self.registers[route.0 as usize].extent {
                    return Extent::Switches(network::depth(*layer, layers));
                }
            }
            Instruction::Exchange { .. } => return Extent::Lanes,
            _ => {}
        }
        let mut common = None;
        instruction.for_each_source(|r| {
            let own = self.registers[r.0 as usize].extent;
            let same = common.is_none_or(|other| other == own);
            common = Some(if same { own } else { Extent::Lanes });
        });
        common.unwrap_or(Extent::Lanes)
    }

    /// The first step of products from the reserve: registers of what is opened, then one of the
    /// sum of the triples' products.
    pub(super) fn mask(&mut self, terms: Vec<(Reg, Reg)>, rows: bool) -> Reg {
        let domain = self.domain(terms[0].0);
        let opened = 2 * terms.len();
        let instruction = Instruction::Mask { terms, rows };
        let extent = self.extent(&instruction);
        let product = Class::Share { support: FULL };
        let products = (product, if rows { Extent::Rows } else { extent });
        let results = std::iter::repeat_n((Class::Opened, extent), opened);
        self.push(instruction, domain, results.chain([products]))
    }

    /// How the switches of a network stand, known to all but `lacks`.
    pub(super) fn route(&mut self, x: Reg, lacks: u8, layers: u32) -> Reg {
        let known = (Class::Known { half: lacks }, Extent::Network(layers));
        let route = Instruction::Route { x, lacks };
        self.push(route, Domain::Bits, std::iter::once(known))
    }

    pub(super) fn share(&mut self, instruction: Instruction, domain: Domain, support: u8) -> Reg {
        self.emit(instruction, domain, Class::Share { support })
    }

    pub(super) fn known(&mut self, instruction: Instruction, domain: Domain, half: u8) -> Reg {
        self.emit(instruction, domain, Class::Known { half })
    }

    // Shares.

    /// An operand; a constant has only its first component.
    pub(crate) fn operand(&mut self, place: u8, domain: Domain, public: bool) -> Reg {
        if public {
            return self.share(Instruction::Constant(Public::Operand(place)), domain, 1);
        }
        self.share(Instruction::Operand(place), domain, FULL)
    }

    /// One plane of an operand that holds planes of bits.
    pub(crate) fn plane(&mut self, number: u32) -> Reg {
        self.plane_of(number, Domain::Bits)
    }

    /// One plane of an operand that holds planes of elements.
    pub(crate) fn plane_of(&mut self, number: u32, domain: Domain) -> Reg {
        self.share(Instruction::Plane(number), domain, FULL)
    }

    /// One lane of the second operand, for all lanes.
    pub(crate) fn lane(&mut self, number: u32, domain: Domain) -> Reg {
        self.share(Instruction::Lane(number), domain, FULL)
    }

    pub(crate) fn add(&mut self, a: Reg, b: Reg) -> Reg {
        let support = self.support(a) | self.support(b);
        self.share(Instruction::Add(a, b), self.domain(a), support)
    }

    /// The sum of all, which must be at least one.
    pub(crate) fn sum(&mut self, all: &[Reg]) -> Reg {
        let mut sum = all[0];
        for a in &all[1..] {
            sum = self.add(sum, *a);
        }
        sum
    }

    pub(crate) fn subtract(&mut self, a: Reg, b: Reg) -> Reg {
        let support = self.support(a) | self.support(b);
        self.share(Instruction::Subtract(a, b), self.domain(a), support)
    }

    pub(crate) fn add_public(&mut self, a: Reg, value: Public) -> Reg {
        let support = self.support(a).max(1);
        // On a component that is there already, so that the support does not grow.
        let on = support.trailing_zeros() as u8;
        self.share(
            Instruction::AddPublic { a, value, on },
            self.domain(a),
            support,
        )
    }

    pub(crate) fn scale(&mut self, a: Reg, factor: Public) -> Reg {
        if factor == Public::Literal(1) {
            return a;
        }
        self.share(
            Instruction::Scale(a, factor),
            self.domain(a),
            self.support(a),
        )
    }

    /// a times the public lanes of the second operand.
    pub(crate) fn scale_lanes(&mut self, a: Reg) -> Reg {
        let instruction = Instruction::ScaleLanes(a);
        self.share(instruction, self.domain(a), self.support(a))
    }

    pub(crate) fn narrow(&mut self, a: Reg, domain: Domain) -> Reg {
        self.share(Instruction::Narrow(a), domain, self.support(a))
    }

    /// a in a wider ring, times 2 to the difference in bits: multiples in each component of what
    /// the narrower ring ignores vanish in the wider one.
    pub(crate) fn lift(&mut self, a: Reg, domain: Domain) -> Reg {
        if self.domain(a) == domain {
            return a;
        }
        self.share(Instruction::Lift(a), domain, self.support(a))
    }

    pub(crate) fn sum_rows(&mut self, a: Reg) -> Reg {
        self.share(Instruction::SumRows(a), self.domain(a), self.support(a))
    }

    pub(crate) fn multiply(&mut self, x: Reg, y: Reg) -> Reg {
        self.dot(vec![(x, y)])
    }

    /// Σ xᵢ·yᵢ; one exchange, however many terms there are.
    pub(crate) fn dot(&mut self, terms: Vec<(Reg, Reg)>) -> Reg {
        let (pairs, support) = self.crossing(&terms);
        if pairs != 0 && self.mode != Mode::Normal {
            return self.beaver(terms, false);
        }
        let domain = self.domain(terms[0].0);
        self.share(Instruction::Dot { terms, pairs }, domain, support)
    }

    pub(crate) fn dot_rows(&mut self, x: Reg, y: Reg) -> Reg {
        let (pairs, support) = self.crossing(&[(x, y)]);
        if pairs != 0 && self.mode != Mode::Normal {
            return self.beaver(vec![(x, y)], true);
        }
        self.share(
            Instruction::DotRows { x, y, pairs },
            self.domain(x),
            support,
        )
    }

    /// The pairs of components that meet in a product, and the support of the result.
    fn crossing(&self, terms: &[(Reg, Reg)]) -> (u8, u8) {
        let (mut pairs, mut support) = (0, 0);
        for (x, y) in terms {
            let (x, y) = (self.support(*x), self.support(*y));
            support |= x & y;
            for (place, ([a, b], _)) in PAIRS.iter().enumerate() {
                if x >> a & y >> b & 1 == 1 || x >> b & y >> a & 1 == 1 {
                    pairs |= 1 << place;
                    support |= 1 << a | 1 << b;
                }
            }
        }
        (pairs, support)
    }

    /// x shuffled, or put back: four exchanges.
    pub(crate) fn shuffle(&mut self, mut x: Reg, inverse: bool) -> Reg {
        for pass in 0..4 {
            let lacks = if inverse { 3 - pass } else { pass };
            let instruction = Instruction::Pass { x, lacks };
            x = self.share(instruction, self.domain(x), FULL);
        }
        x
    }

    pub(crate) fn open(&mut self, x: Reg) -> Reg {
        self.share(Instruction::Open(x), self.domain(x), FULL)
    }

    /// x in the order that the second operand gives, which has been opened.
    pub(crate) fn permute(&mut self, x: Reg) -> Reg {
        self.share(Instruction::Permute(x), self.domain(x), self.support(x))
    }

    pub(crate) fn random(&mut self, domain: Domain) -> Reg {
        self.share(Instruction::Random, domain, FULL)
    }

    // Known values.

    /// The sum of a half's components of a share.
    pub(crate) fn half(&mut self, a: Reg, half: u8) -> Reg {
        self.known(Instruction::Half(a, half), self.domain(a), half)
    }

    /// A share of a known value: one element, one exchange; nothing with three parties.
    pub(crate) fn input(&mut self, known: Reg) -> Reg {
        let support = self.support(known);
        if self.mode != Mode::Normal {
            let component = self.half_of(known);
            let place = Instruction::Place { known, component };
            return self.share(place, self.domain(known), support);
        }
        let half = self.half_of(known);
        self.share(
            Instruction::Input { known, half },
            self.domain(known),
            support,
        )
    }

    /// Shares of the products of all sets of known bits but the empty one, that of the set u at
    /// place u − 1. All of them must be read.
    pub(crate) fn input_products(&mut self, bits: &[Reg]) -> Vec<Reg> {
        let half = bits.first().map_or(0, |bit| self.half_of(*bit));
        let support = self.half_mask(half);
        let bits = bits.to_vec();
        let count = (1 << bits.len()) - 1;
        let instruction = Instruction::InputProducts { bits, half };
        let class = Class::Share { support };
        let first = self.emit_many(instruction, Domain::Bits, class, count);
        (0..count as u32).map(|i| Reg(first.0 + i)).collect()
    }

    pub(crate) fn known_not(&mut self, a: Reg) -> Reg {
        self.known(Instruction::KnownNot(a), self.domain(a), self.half_of(a))
    }

    pub(crate) fn known_negate(&mut self, a: Reg) -> Reg {
        self.known(Instruction::KnownNegate(a), self.domain(a), self.half_of(a))
    }

    pub(crate) fn known_widen(&mut self, a: Reg, domain: Domain) -> Reg {
        if self.domain(a) == domain {
            return a;
        }
        self.known(Instruction::KnownWiden(a), domain, self.half_of(a))
    }

    pub(crate) fn known_shift(&mut self, a: Reg, by: u32) -> Reg {
        self.known(
            Instruction::KnownShift(a, by),
            self.domain(a),
            self.half_of(a),
        )
    }

    /// The bits of a known value, lowest first.
    pub(crate) fn known_split(&mut self, a: Reg) -> Vec<Reg> {
        let bits = self.domain(a).bits();
        let class = Class::Known {
            half: self.half_of(a),
        };
        let instruction = Instruction::KnownSplit { known: a, bits };
        let first = self.emit_many(instruction, Domain::Bits, class, bits as usize);
        (0..bits).map(|i| Reg(first.0 + i)).collect()
    }
}
