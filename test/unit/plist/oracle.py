"""Python's plistlib as an oracle, driven over stdin and stdout: one JSON object per line each way.

In:  {"list": base64 of a property list of either kind, "formats": ["xml", "binary"]}
Out: {"canonical": the value in the form of plistValues.ts, "written": [in each of the formats, in base64]}
 or  {"error": why}
"""
import base64, datetime, json, plistlib, struct, sys

FORMATS = {"xml": plistlib.FMT_XML, "binary": plistlib.FMT_BINARY}
EPOCH = datetime.datetime(1970, 1, 1)


def canonical(value):
    if isinstance(value, bool):
        return "bool true" if value else "bool false"
    if isinstance(value, int):
        return "integer %d" % value
    if isinstance(value, float):
        return "real nan" if value != value else "real " + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "string " + value
    if isinstance(value, bytes):
        return "data " + value.hex()
    if isinstance(value, plistlib.UID):
        return "uid %d" % value.data
    if isinstance(value, datetime.datetime):
        return "date %d" % ((value - EPOCH) // datetime.timedelta(milliseconds=1))
    if isinstance(value, list):
        return ["array"] + [canonical(entry) for entry in value]
    if isinstance(value, dict):
        return ["dict"] + [[key, canonical(entry)] for key, entry in value.items()]
    raise TypeError(type(value))


for line in sys.stdin:
    try:
        request = json.loads(line)
        value = plistlib.loads(base64.b64decode(request["list"]))
        written = [plistlib.dumps(value, fmt=FORMATS[name], sort_keys=False) for name in request["formats"]]
        answer = {"canonical": canonical(value), "written": [base64.b64encode(list).decode() for list in written]}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer))
