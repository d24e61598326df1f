"""The report as JUnit XML: a suite for each class, a test for each output."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from rlmigrate.compat.parity.render.text import details
from rlmigrate.compat.parity.results import ClassResult, ParityReport, Status

#: Characters that XML 1.0 cannot hold.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")


def junit(report: ParityReport) -> str:
    """Write the report so that CI shows FAIL as failure, ERROR as error, INCOMPLETE as skipped."""
    root = ET.Element("testsuites", name="rlmigrate parity")
    for result in report.worst_first:
        root.append(_suite(result))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(result: ClassResult) -> ET.Element:
    suite = ET.Element("testsuite", name=result.name, time=f"{result.seconds:.3f}")
    for path, output in result.outputs.items():
        test = _test(suite, result.name, path)
        if output.status is Status.FAIL:
            _say(test, "failure", output.message, output.message)
    summary = _test(suite, result.name, "accounting")
    text = "\n".join([result.accounting, *details(result)])
    if result.status is Status.ERROR:
        _say(summary, "error", result.message, text)
    elif result.status is Status.INCOMPLETE:
        _say(summary, "skipped", result.message, text)
    elif result.status is Status.FAIL:
        _say(summary, "failure", result.message, text)
    tests = list(suite)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(test.find(tag) is not None for test in tests)))
    suite.set("tests", str(len(tests)))
    return suite


def _test(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=classname, name=name)


def _say(test: ET.Element, tag: str, message: str, text: str) -> None:
    clean = _UNFIT.sub("?", message)
    ET.SubElement(test, tag, message=clean).text = _UNFIT.sub("?", text)
