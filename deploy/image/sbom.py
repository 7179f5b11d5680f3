"""A software bill of materials, SPDX 2.3, of what a dpkg status file says is installed: sbom.py STATUS > SBOM.

The same status file and SOURCE_DATE_EPOCH give the same bytes.
"""
import datetime
import hashlib
import json
import os
import re
import sys

OURS = "cairn-signal"


def installed(status):
    """The fields of each installed package, by name and architecture."""
    for paragraph in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.M))
        if fields.get("Status", "").endswith(" installed"):
            yield fields


def spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def package(fields):
    name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    source = re.match(r"(\S+)(?: \((.*)\))?", fields.get("Source", name))
    kind = "generic" if name == OURS else "deb/debian"
    qualifiers = "" if name == OURS else f"?arch={architecture}&distro=debian-12"
    return {
        "SPDXID": spdx_id(f"{name}-{architecture}"),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: The cairn-signal authors" if name == OURS else "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "MIT" if name == OURS else "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from {source[1]} {source[2] or version}",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:{kind}/{name}@{version.replace('+', '%2B')}{qualifiers}"}],
    }


def document(status, created):
    packages = sorted((package(fields) for fields in installed(status)), key=lambda one: one["SPDXID"])
    ours = next(one for one in packages if one["name"] == OURS)
    digest = hashlib.sha256(json.dumps(packages).encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{OURS}-{ours['versionInfo']}",
        "documentNamespace": f"https://github.com/moukrea/cairn/sbom/{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: deploy/image/sbom.py"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": ours["SPDXID"]},
            *({"spdxElementId": ours["SPDXID"], "relationshipType": "DEPENDS_ON", "relatedSpdxElement": one["SPDXID"]}
              for one in packages if one is not ours)],
    }


def main():
    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    with open(sys.argv[1], encoding="utf-8") as status:
        json.dump(document(status.read(), created), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
