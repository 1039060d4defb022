import ControlProtocol
import FoundationEssentials

/// How a report looks: on light and dark screens of any width, and on paper.
enum ReportStyle {
    static let sheet: StaticString = """
        :root{color-scheme:light dark;--page:#f4f6f3;--card:#ffffff;--ink:#1b2422;--soft:#4d5956;--line:#d5dcd8;
        --accent:#0b625a;--wash:#e3efec;--good:#145f37;--bad:#a11d17;--open:#734c00;--track:#e6ebe8;
        --fill:#178074;--second:#8a6d1f;--mark:#b3372b;--code:#f1f4f2}
        @media (prefers-color-scheme:dark){:root{--page:#111615;--card:#1a211f;--ink:#e7edea;--soft:#a9b6b1;
        --line:#333d3a;--accent:#7fd6c9;--wash:#1f302c;--good:#7ddba0;--bad:#ff9c92;--open:#f0c36b;--track:#2b3532;
        --fill:#4fb5a7;--second:#d2ad55;--mark:#ff8b7e;--code:#141a18}}
        *{box-sizing:border-box}
        html{scroll-behavior:smooth}
        @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
        body{margin:0;background:var(--page);color:var(--ink);
        font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
        .skip{position:absolute;left:-999px}
        .skip:focus{left:1rem;top:1rem;background:var(--card);padding:.5rem 1rem;z-index:2}
        header,main,footer,nav{max-width:1120px;margin:0 auto;padding:0 1.25rem}
        header{padding-top:2rem;padding-bottom:.5rem}
        .brand{display:flex;align-items:center;gap:.6rem;color:var(--soft);margin:0;font-size:.95rem}
        .brand svg{flex:none}
        .brand circle{fill:none;stroke:var(--accent);stroke-width:2.5}
        .brand circle.core{fill:var(--accent);stroke:none}
        h1{font-size:clamp(1.6rem,5vw,2.4rem);line-height:1.15;margin:.4rem 0 .6rem;overflow-wrap:anywhere;
        letter-spacing:-.01em}
        h2{font-size:1.3rem;margin:0 0 .25rem;letter-spacing:-.005em}
        h3{font-size:1.02rem;margin:1.4rem 0 .4rem}
        p{margin:.35rem 0}
        .lead{color:var(--soft);margin:0 0 .9rem;max-width:75ch}
        .facts{display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;color:var(--soft);margin:.2rem 0 0;padding:0;list-style:none}
        .facts code{color:var(--ink)}
        .pill{display:inline-block;border:1.5px solid currentColor;border-radius:99px;padding:.05rem .75rem;
        font-weight:600;font-size:.95rem}
        .good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}.none{color:var(--soft)}
        nav ul{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;list-style:none;margin:.8rem 0 0;padding:.55rem 0;
        border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
        a{color:var(--accent);text-underline-offset:.18em}
        nav a{display:inline-block;padding:.15rem 0}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
        section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem 1.4rem;
        margin:1.1rem 0;scroll-margin-top:1rem}
        .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(225px,1fr));gap:.8rem;margin:.6rem 0 0}
        .tiles div{border:1px solid var(--line);border-left:5px solid currentColor;border-radius:8px;
        padding:.65rem .85rem .75rem}
        .tiles dt{color:var(--soft);font-size:.92rem}
        .tiles dd{margin:0}
        .tiles .value{font-size:1.45rem;font-weight:650;line-height:1.25;overflow-wrap:anywhere}
        .tiles .why{color:var(--ink);font-size:.88rem;line-height:1.45;margin-top:.3rem;overflow-wrap:anywhere}
        table{border-collapse:collapse;width:100%;margin:.5rem 0 .2rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;color:var(--soft);font-size:.92rem;padding-bottom:.4rem}
        th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-top:1px solid var(--line)}
        thead th{border-top:0;font-size:.88rem;color:var(--soft);font-weight:600}
        tbody th{font-weight:600}
        th,td{overflow-wrap:break-word}
        tbody th,.text{overflow-wrap:anywhere}
        .text{white-space:pre-line}
        .list tbody th{min-width:9.5em}
        .number{white-space:nowrap;text-align:right}
        .graph{width:46%;padding-right:0;vertical-align:middle}
        .plot th{width:30%}
        .bar{display:block;width:100%;height:14px}
        .bar .track{fill:var(--track)}.bar .fill{fill:var(--fill)}.bar .second{fill:var(--second)}
        .bar .mark{fill:var(--mark)}
        figure{margin:.6rem 0 1rem}
        figcaption{color:var(--soft);font-size:.92rem;padding-bottom:.3rem}
        .time{display:block;width:100%;height:90px}
        .time .track{fill:var(--line)}.time .fill{fill:var(--fill)}.time .second{fill:var(--second)}
        .time .mark{fill:var(--mark)}
        code,pre{font:.86rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
        pre{background:var(--code);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;margin:.5rem 0;
        overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
        .steps{list-style:none;margin:0;padding:0}
        .steps>li{border-top:1px solid var(--line)}
        details>summary{cursor:pointer;padding:.45rem 0;overflow-wrap:anywhere}
        .steps details>summary{display:grid;grid-template-columns:1.1rem minmax(0,1fr) 5.2rem minmax(90px,26%);
        gap:.2rem .7rem;align-items:center;list-style:none}
        .steps summary::-webkit-details-marker{display:none}
        .steps .sign::before{content:"\\25B8"}
        .steps [open] .sign::before{content:"\\25BE"}
        .sign{color:var(--soft)}
        .what{overflow-wrap:anywhere}
        .tag{font-size:.85rem;font-weight:600;white-space:nowrap}
        .more{padding:.1rem 0 .8rem 1.8rem;overflow-wrap:anywhere}
        .more p{white-space:pre-line;max-width:90ch}
        .more ul{margin:.2rem 0;padding-left:1.1rem}
        .more .id{color:var(--soft);font-size:.88rem}
        .pause{color:var(--open);padding:.45rem 0;font-size:.92rem}
        .lines{margin:.3rem 0;padding-left:1.2rem}
        .lines li{white-space:pre-line;overflow-wrap:anywhere;margin:.25rem 0}
        footer{color:var(--soft);font-size:.88rem;padding-top:.4rem;padding-bottom:2.5rem}
        @media (max-width:640px){
        body{font-size:15px}
        header,main,footer,nav{padding-left:.8rem;padding-right:.8rem}
        section{padding:1rem .9rem;border-radius:10px}
        .tiles{grid-template-columns:1fr}
        .steps details>summary{grid-template-columns:1rem minmax(0,1fr) auto}
        .steps summary .bar{grid-column:2 / -1}
        .more{padding-left:1.6rem}
        table.plot thead{position:absolute;left:-999px}
        table.plot tr{display:grid;grid-template-columns:minmax(0,1fr) auto;border-top:1px solid var(--line);
        padding:.3rem 0}
        table.plot th,table.plot td{border:0;width:auto;padding:.1rem 0}
        table.plot .graph{grid-column:1 / -1}
        table.list thead{position:absolute;left:-999px}
        table.list tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}
        table.list th,table.list td{display:block;border:0;padding:.05rem 0;text-align:left;white-space:normal}
        table.list td[data-label]::before{content:attr(data-label) ": ";color:var(--soft)}
        table.list td:empty{display:none}
        table.list td.text{white-space:pre-line}
        }
        @media print{
        :root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#3c4644;--line:#c2c9c6;--accent:#0b625a;
        --good:#145f37;--bad:#a11d17;--open:#734c00;--track:#e6ebe8;--fill:#178074;--second:#8a6d1f;--mark:#b3372b;
        --code:#fff}
        *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
        @page{margin:14mm}
        body{font-size:10.5pt}
        nav,.skip,.sign{display:none}
        header,main,footer{max-width:none;padding-left:0;padding-right:0}
        section{border:0;border-top:1px solid var(--line);border-radius:0;padding:.6rem 0;margin:.6rem 0}
        .tiles{grid-template-columns:repeat(3,1fr)}
        .tiles div,tr,.steps>li,pre,figure{break-inside:avoid}
        h2,h3{break-after:avoid}
        details::details-content{display:block;content-visibility:visible}
        .steps details>summary{grid-template-columns:minmax(0,1fr) 5rem 24%}
        .more{padding-left:.4rem}
        a{text-decoration:none}
        }
        """

    /// What a page's policy lets it use: this sheet, and nothing from anywhere.
    static var policy: String {
        "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; form-action 'none'"
    }

    private static var digest: String {
        let hexadecimal = Array(ContentDigest.sha256(Data("\(sheet)".utf8)).utf8)
        let bytes = stride(from: 0, to: hexadecimal.count, by: 2).compactMap { index in
            UInt8(
                String(decoding: hexadecimal[index..<min(index + 2, hexadecimal.count)], as: UTF8.self),
                radix: 16
            )
        }
        return Data(bytes).base64EncodedString()
    }
}
