from __future__ import annotations

from pathlib import Path

import pytest

from streamagents.devkit.folder import BrokerFolder
from streamagents.devkit.jars import KAFKA_VERSION
from streamagents.devkit.storage import cluster_id, decide_cluster_id, prepare, remember_version
from streamagents.errors import DevkitError

FOLDER = BrokerFolder(data_dir=Path("/data"))
META = "#\n#Sun Nov 22\nnode.id=1\ndirectory.id=Ti7\nversion=1\ncluster.id=kAbc\n"


@pytest.mark.parametrize("written_by", ["", KAFKA_VERSION, "4.3.9", "4.0.0", "damaged"])
def test_a_storage_of_this_or_an_older_kafka_is_used(written_by: str) -> None:
    assert decide_cluster_id(META, written_by, FOLDER) == "kAbc"


@pytest.mark.parametrize(
    ("meta", "written_by", "said"),
    [
        (META, "4.10.0", "was written by Kafka 4.10.0, newer than"),
        (META, "5.0.0", "was written by Kafka 5.0.0, newer than"),
        (META.replace("version=1", "version=2"), "", "was formatted by a newer Kafka"),
        ("", "", "damaged or missing"),
        ("garbage", KAFKA_VERSION, "damaged or missing"),
        (META.replace("version=1", "version=x"), "", "damaged or missing"),
        (META.replace("cluster.id=kAbc", "cluster.id="), "", "damaged or missing"),
        (META.replace("node.id=1", "node.id=2"), "", "damaged or missing"),
    ],
)
def test_any_other_storage_is_refused_in_words(meta: str, written_by: str, said: str) -> None:
    with pytest.raises(DevkitError, match=said):
        decide_cluster_id(meta, written_by, FOLDER)


def test_the_newest_version_is_remembered(tmp_path: Path) -> None:
    folder = BrokerFolder(data_dir=tmp_path)
    folder.storage.mkdir(parents=True)
    (folder.storage / "meta.properties").write_text(META)
    remember_version(folder)
    assert folder.version.read_text() == KAFKA_VERSION
    assert cluster_id(folder) == "kAbc"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "kafka").write_text("a file where the folder should be")
    with pytest.raises(DevkitError, match=r"cannot be written.*STREAMAGENTS_DATA_DIR"):
        prepare(BrokerFolder(data_dir=tmp_path), ["java"])


def test_a_format_that_fails_quotes_kafka(tmp_path: Path) -> None:
    folder = BrokerFolder(data_dir=tmp_path)
    failing = ["sh", "-c", "echo 'java.lang.Exception: no such thing' >&2; exit 1"]
    with pytest.raises(DevkitError, match="no such thing"):
        prepare(folder, failing)
    assert not folder.storage.exists()
