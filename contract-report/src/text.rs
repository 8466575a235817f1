//! The report as text.

use std::fmt;

use crate::report::{Cost, Field, Figures, Report, WithNodes};

/// Width of a line of text.
const WIDTH: usize = 100;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Contract {}", self.contract)?;
        if !self.about.is_empty() {
            paragraph(f, "", &self.about)?;
        }
        writeln!(
            f,
            "{} bytes, code hash {}",
            grouped(self.code.bytes),
            self.code.hash
        )?;
        self.leaks(f)?;
        for computation in &self.computations {
            let reads = computation.reads.join(", ");
            writeln!(f, "\nComputation {} over each {reads}", computation.name)?;
            if !computation.arguments.is_empty() {
                let arguments = computation.arguments.join(", ");
                writeln!(
                    f,
                    "  with the public arguments {arguments} (here 1 and empty lists)"
                )?;
            }
            if computation.min_inputs > 0 {
                let least = grouped(computation.min_inputs.into());
                writeln!(
                    f,
                    "  on {least} inputs or more, and on sets that differ by {least} or more"
                )?;
            }
            costs(f, &computation.costs)?;
        }
        writeln!(
            f,
            "\nFuel of transactions with zeros and empty lists as arguments"
        )?;
        for function in &self.functions {
            let fuel = grouped(function.fuel);
            write!(f, "{fuel:>13}  {}", function.name)?;
            match &function.refused {
                Some(why) => writeln!(f, " (refused: {why})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Report {
    fn leaks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nSecret: nobody sees it, no node either")?;
        for secret in &self.secret {
            let by = secret.functions.join(", ");
            let bytes = grouped(secret.bytes);
            writeln!(f, "  {}, sent by {by}, {bytes} bytes", secret.name)?;
            about(f, &secret.about)?;
            fields(f, &secret.fields)?;
        }
        writeln!(f, "\nRevealed")?;
        for revealed in &self.revealed {
            let (to, what) = (&revealed.to, &revealed.ty);
            writeln!(f, "  to {to}, by {}: {what}", revealed.computation)?;
            about(f, &revealed.about)?;
            fields(f, &revealed.fields)?;
        }
        if self.revealed.is_empty() {
            writeln!(f, "  nothing")?;
        }
        writeln!(f, "\nPublic")?;
        for sentence in &self.public {
            paragraph(f, "  - ", sentence)?;
        }
        if !self.advice.is_empty() {
            writeln!(f, "\nTo think about")?;
        }
        for sentence in &self.advice {
            paragraph(f, "  - ", sentence)?;
        }
        Ok(())
    }
}

fn about(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    paragraph(f, "    ", text)
}

fn fields(f: &mut fmt::Formatter<'_>, fields: &[Field]) -> fmt::Result {
    for field in fields {
        let Field { name, ty, about } = field;
        let text = if about.is_empty() {
            format!("{name}: {ty}")
        } else {
            format!("{name}: {ty}. {about}")
        };
        paragraph(f, "    - ", &text)?;
    }
    Ok(())
}

/// What it costs, a line for each number of inputs.
fn costs(f: &mut fmt::Formatter<'_>, costs: &[Cost]) -> fmt::Result {
    writeln!(
        f,
        "{:>8}  {:>13}  {:>19}  {:>19}  {:>11}  {:>13}",
        "inputs", "rounds", "bytes a node sends", "memory, KiB", "reserve", "fuel"
    )?;
    for cost in costs {
        let inputs = grouped(cost.inputs);
        let Some(figures) = &cost.figures else {
            let why = cost.refused.as_deref().unwrap_or("not known");
            writeln!(f, "{inputs:>8}  {why}")?;
            continue;
        };
        let Figures {
            fuel,
            rounds,
            sent,
            memory,
            reserve,
            ..
        } = figures;
        let memory = WithNodes {
            four: memory.four.div_ceil(1024),
            three: memory.three.div_ceil(1024),
        };
        let lots = reserve.lot_thousandths;
        writeln!(
            f,
            "{inputs:>8}  {:>13}  {:>19}  {:>19}  {:>11}  {:>13}",
            both(rounds),
            both(sent),
            both(&memory),
            format!("{}.{:03} lot", lots / 1_000, lots % 1_000),
            grouped(*fuel),
        )?;
    }
    writeln!(
        f,
        "  Two figures: with four nodes / with three, which takes the reserve."
    )?;
    writeln!(
        f,
        "  Estimated time with four nodes, from the start to the opened result:"
    )?;
    let known = costs
        .iter()
        .filter_map(|cost| Some((cost.inputs, cost.figures.as_ref()?)));
    let known: Vec<_> = known.collect();
    let networks = known.first().map_or(&[][..], |(_, figures)| &figures.time);
    for (place, network) in networks.iter().enumerate() {
        let times = known.iter().filter_map(|(inputs, figures)| {
            let time = figures.time.get(place)?;
            Some(format!("{}: {}", grouped(*inputs), duration(time.ms)))
        });
        let times = times.collect::<Vec<_>>().join(", ");
        writeln!(f, "  - {}. {times}", network.name)?;
    }
    Ok(())
}

fn both(figures: &WithNodes) -> String {
    format!("{} / {}", grouped(figures.four), grouped(figures.three))
}

fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// A number with its digits in threes.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Words in lines, the first after this, the others below it.
fn paragraph(f: &mut fmt::Formatter<'_>, first: &str, text: &str) -> fmt::Result {
    let indent = " ".repeat(first.len());
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.len() + 1 + word.len() > WIDTH {
            writeln!(f, "{line}")?;
            line.clone_from(&indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(f, "{line}")
}

#[cfg(test)]
mod tests {
    use super::{duration, grouped};

    #[test]
    fn numbers_are_read_in_threes() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            (duration(999), duration(12_345)),
            ("999 ms".into(), "12.3 s".into())
        );
    }
}
