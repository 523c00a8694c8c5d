//! Curves of the rate by the number of connections, as SVG.
//!
//! The ground is white, whatever is around it, so that the lines are to be seen on a dark page too.

use std::error::Error;

use plotters::prelude::*;

use crate::rounds::Results;

const SIZE: (u32, u32) = (860, 540);

/// Colors that people who see few of them can tell apart, one for each peer.
const COLORS: [RGBColor; 10] = [
    RGBColor(0, 0, 0),
    RGBColor(130, 130, 130),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(86, 180, 233),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(120, 60, 20),
    RGBColor(100, 60, 160),
];

/// The rates of one peer, by the number of connections.
struct Curve {
    peer: &'static str,
    points: Vec<(f64, f64)>,
}

/// A drawing for each size that was measured with two or more numbers of connections: its file's
/// name, and what is in it.
///
/// # Errors
///
/// If it cannot be drawn.
pub(crate) fn curves(results: &[Results]) -> Result<Vec<(String, String)>, String> {
    let mut sizes: Vec<usize> =
        results.iter().filter_map(|results| Some(results.workload.curve?.0)).collect();
    sizes.dedup();
    let mut drawings = Vec::new();
    for size in sizes {
        let curves = of_size(size, results);
        if curves.iter().any(|curve| curve.points.len() > 1) {
            let name = format!("net-echo-{size}.svg");
            let drawn = drawing(size, &curves).map_err(|error| format!("{name}: {error}"))?;
            drawings.push((name, drawn));
        }
    }
    Ok(drawings)
}

/// The workloads are in the order of their connections, and so are the points.
fn of_size(size: usize, results: &[Results]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for results in results {
        let Some((_, connections)) = results.workload.curve.filter(|curve| curve.0 == size) else {
            continue;
        };
        for row in &results.rows {
            let Some(rate) = row.median(0) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "it is small")]
            let point = (connections as f64, rate);
            match curves.iter_mut().find(|curve| curve.peer == row.peer) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Curve { peer: row.peer, points: vec![point] }),
            }
        }
    }
    curves
}

fn drawing(size: usize, curves: &[Curve]) -> Result<String, Box<dyn Error>> {
    let rates = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let top = rates.fold(0.0, f64::max) * 1.05;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("Echo of {size} bytes, the server on one core"), ("sans-serif", 20))
            .margin(14)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .margin_right(40)
            .build_cartesian_2d((0.9..11_000.0).log_scale(), 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc("connections")
            .y_desc("echoes a second")
            .x_label_formatter(&|number| thousands(*number))
            .y_label_formatter(&|number| thousands(*number))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .bold_line_style(RGBColor(205, 205, 205))
            .light_line_style(RGBColor(238, 238, 238))
            .draw()?;
        for (curve, color) in curves.iter().zip(COLORS.iter().cycle()) {
            let style = color.stroke_width(if curve.peer == "greenhub" { 3 } else { 2 });
            chart
                .draw_series(LineSeries::new(curve.points.clone(), style))?
                .label(curve.peer)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            let dots = curve.points.iter().map(|point| Circle::new(*point, 3, color.filled()));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(205, 205, 205))
            .label_font(("sans-serif", 14))
            .draw()?;
        root.present()?;
    }
    Ok(svg)
}

/// A whole number with commas between its thousands.
fn thousands(number: f64) -> String {
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
