//! Curves of what grows with the number of greenlets, as SVG.
//!
//! Both axes are logarithmic. The ground is white, whatever is around it, so that the lines are to
//! be seen on a dark page too.

use std::ops::Range;
use std::path::PathBuf;

use plotters::coord::combinators::LogCoord;
use plotters::prelude::*;

use crate::record;
use crate::table::Table;

const SIZE: (u32, u32) = (900, 520);

/// The legend is to the right of this.
const CHART_WIDTH: u32 = 720;

/// Colors that people who see few of them can tell apart, one for each peer.
const COLORS: [RGBColor; 10] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(130, 130, 130),
    RGBColor(120, 60, 20),
    RGBColor(100, 60, 160),
];

/// A figure of one kind of work, which is measured with several numbers.
struct Plot {
    /// The names of its workloads begin so, and end with the number.
    workloads: &'static str,
    /// The label of the figure begins so.
    figure: &'static str,
    title: &'static str,
}

const PLOTS: &[Plot] = &[
    Plot { workloads: "parked_", figure: "resident", title: "Memory of one that is parked" },
    Plot { workloads: "parked_", figure: "spawn", title: "Time to spawn one, until it is parked" },
    Plot {
        workloads: "parked_",
        figure: "wake",
        title: "Time to wake one, until it is parked again",
    },
    Plot {
        workloads: "parked_",
        figure: "end",
        title: "Time to wake one for the last time, and join it",
    },
    Plot {
        workloads: "sleepers_",
        figure: "wall",
        title: "Sleeps of 1 to 1,000 ms, from spawn to join",
    },
    Plot { workloads: "sleepers_", figure: "processor", title: "Processor time of all sleepers" },
    Plot { workloads: "sleepers_", figure: "resident", title: "Resident memory of all sleepers" },
];

/// What one peer takes, by how many there are.
struct Curve {
    peer: String,
    points: Vec<(f64, f64)>,
}

/// Draws all of which there is more than one point.
pub(crate) fn draw(tables: &[Table]) -> Result<(), String> {
    std::fs::create_dir_all(record::folder()).map_err(|error| error.to_string())?;
    for plot in PLOTS {
        let (unit, curves) = curves(plot, tables);
        let name = format!("{}{}.svg", plot.workloads, plot.figure);
        if curves.iter().any(|curve| curve.points.len() > 1) {
            let path = record::folder().join(&name);
            paint(path, plot.title, &unit, &curves).map_err(|error| format!("{name}: {error}"))?;
            println!("drawn: {name}");
        } else {
            println!("not drawn: {name}: fewer than two points");
        }
    }
    Ok(())
}

/// The label of the figure, and the curves in the order in which the peers are first met.
fn curves(plot: &Plot, tables: &[Table]) -> (String, Vec<Curve>) {
    let mut label = String::new();
    let mut curves: Vec<Curve> = Vec::new();
    for table in tables {
        let number = table.name.strip_prefix(plot.workloads).and_then(|n| n.parse::<u32>().ok());
        let section = table.sections.iter().find(|one| one.label.starts_with(plot.figure));
        let (Some(number), Some(section)) = (number, section) else { continue };
        label.clone_from(&section.label);
        // A logarithm has no zero: what could not be seen has no point.
        for row in section.rows.iter().filter(|row| row.median > 0.0) {
            let point = (f64::from(number), row.median);
            match curves.iter_mut().find(|curve| curve.peer == row.peer) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Curve { peer: row.peer.clone(), points: vec![point] }),
            }
        }
    }
    curves.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    (label, curves)
}

fn paint(
    path: PathBuf,
    title: &str,
    unit: &str,
    curves: &[Curve],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(&path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(CHART_WIDTH);
    let mut chart = ChartBuilder::on(&left)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(84)
        .margin_right(36)
        .build_cartesian_2d(
            axis(curves.iter().flat_map(|curve| &curve.points).map(|point| point.0)),
            axis(curves.iter().flat_map(|curve| &curve.points).map(|point| point.1)),
        )?;
    let number = |number: &f64| thousands(*number);
    chart
        .configure_mesh()
        .x_desc("how many at once")
        .y_desc(unit)
        // One for each power of ten.
        .x_labels(4)
        .y_labels(5)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .bold_line_style(RGBColor(205, 205, 205))
        .light_line_style(RGBColor(238, 238, 238))
        .draw()?;
    for (index, (curve, color)) in (0..).zip(curves.iter().zip(COLORS.iter().cycle())) {
        let style = color.stroke_width(if curve.peer == "greenhub" { 3 } else { 2 });
        chart.draw_series(LineSeries::new(curve.points.clone(), style))?;
        let dots = curve.points.iter().map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots)?;
        let y = 64 + 24 * index;
        right.draw(&PathElement::new([(0, y), (22, y)], style))?;
        right.draw(&Circle::new((11, y), 3, color.filled()))?;
        right.draw(&Text::new(curve.peer.as_str(), (30, y - 8), ("sans-serif", 14)))?;
    }
    root.present()?;
    Ok(())
}

/// A logarithmic axis from one power of ten to another, with all of these between, and with a little
/// room.
fn axis(numbers: impl Iterator<Item = f64>) -> LogCoord<f64> {
    let (least, most) =
        numbers.fold((f64::MAX, 0.0), |(least, most), n| (n.min(least), n.max(most)));
    let range: Range<f64> =
        10_f64.powf(least.log10().floor()) / 1.05..10_f64.powf(most.log10().ceil()) * 1.05;
    range.log_scale().into()
}

/// A number with commas between its thousands, and decimals only below ten.
fn thousands(number: f64) -> String {
    if number < 10.0 {
        return format!("{number:.1}").trim_end_matches(".0").to_owned();
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{PLOTS, curves, thousands};
    use crate::table::{Row, Section, Table};

    #[test]
    fn numbers_have_commas_between_their_thousands() {
        let texts = [0.5, 1.0, 999.0, 1000.0, 1_000_000.0].map(thousands);
        assert_eq!(texts, ["0.5", "1", "999", "1,000", "1,000,000"]);
    }

    #[test]
    fn a_curve_has_its_points_in_order_whatever_order_the_tables_have() {
        let table = |name: &str, median: f64| Table {
            name: name.to_owned(),
            what: String::new(),
            sections: vec![Section {
                label: "resident, bytes each".to_owned(),
                rows: vec![Row::of("greenhub", &[median])],
            }],
            notes: Vec::new(),
        };
        let tables = [table("parked_100000", 3.0), table("parked_1000", 4.0), table("lock", 1.0)];
        let (label, curves) = curves(&PLOTS[0], &tables);
        assert_eq!(label, "resident, bytes each");
        assert_eq!(curves.len(), 1);
        assert_eq!(curves[0].points, [(1_000.0, 4.0), (100_000.0, 3.0)]);
    }
}
