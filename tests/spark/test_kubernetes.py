"""The image's entrypoint: Spark's contract for drivers and executors on Kubernetes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys

import pytest
from ghstream_spark.kubernetes import Command, ContractError, command

DRIVER = {"SPARK_DRIVER_BIND_ADDRESS": "10.244.0.7"}
SUBMITTED = [
    "driver",
    *("--proxy-user", "alice"),
    *("--properties-file", "/opt/spark/conf/spark.properties"),
    *("--class", "org.apache.spark.deploy.PythonRunner"),
    "local:///opt/ghstream/stream.py",
]
EXECUTOR = {
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@driver.ns.svc:7078",
    "SPARK_EXECUTOR_ID": "1",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_EXECUTOR_MEMORY": "1024m",
    "SPARK_APPLICATION_ID": "spark-42",
    "SPARK_EXECUTOR_POD_IP": "10.244.0.8",
    "SPARK_EXECUTOR_POD_NAME": "ghstream-exec-1",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_HOME": "/opt/spark",
}


def test_the_driver_is_python_and_what_was_submitted_goes_to_the_jvm_that_it_starts():
    run = command([*SUBMITTED, "one", "two three"], DRIVER)
    assert run.arguments == [sys.executable, "/opt/ghstream/stream.py", "one", "two three"]
    assert shlex.split(run.environment["PYSPARK_SUBMIT_ARGS"]) == [
        *("--proxy-user", "alice"),
        *("--properties-file", "/opt/spark/conf/spark.properties"),
        *("--conf", "spark.driver.bindAddress=10.244.0.7"),
        *("--deploy-mode", "client"),
        "pyspark-shell",
    ]


@pytest.mark.parametrize("application", [[], ["s3a://bucket/stream.py"], ["stream.py"]])
def test_an_application_that_is_not_in_the_image_is_named(application):
    with pytest.raises(ContractError, match=r"local:///opt/ghstream/stream\.py.*spark\.properties"):
        command([*SUBMITTED[:-1], *application], DRIVER)


def test_the_executor_is_java_with_the_options_in_their_order():
    options = {f"SPARK_JAVA_OPT_{n}": f"-Dn={n} and more" for n in (10, 2, 0)}
    run = command(["executor"], {**EXECUTOR, **options, "JAVA_HOME": "/usr/lib/jvm/java"})
    assert run == Command(
        [
            "/usr/lib/jvm/java/bin/java",
            *("-Dn=0 and more", "-Dn=2 and more", "-Dn=10 and more"),
            *("-Xms1024m", "-Xmx1024m"),
            *("-cp", "/opt/spark/conf:/opt/spark/jars/*"),
            "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
            *("--driver-url", "spark://CoarseGrainedScheduler@driver.ns.svc:7078"),
            *("--executor-id", "1"),
            *("--cores", "2"),
            *("--app-id", "spark-42"),
            *("--hostname", "10.244.0.8"),
            *("--resourceProfileId", "0"),
            *("--podName", "ghstream-exec-1"),
        ]
    )


def test_the_executor_finds_configuration_before_jars_and_extra_classes_after_them():
    environ = {
        **EXECUTOR,
        "SPARK_CONF_DIR": "/conf",
        "HADOOP_CONF_DIR": "/hadoop",
        "SPARK_CLASSPATH": "/first.jar",
        "SPARK_EXTRA_CLASSPATH": "/extra.jar",
        "SPARK_DIST_CLASSPATH": "/dist.jar",
    }
    java, *arguments = command(["executor"], environ).arguments
    assert java == "java"
    classes = "/conf:/hadoop:/first.jar:/opt/spark/jars/*:/extra.jar:/dist.jar"
    assert arguments[arguments.index("-cp") + 1] == classes


def test_everything_that_spark_did_not_set_is_named_at_once():
    environ = {**EXECUTOR, "SPARK_EXECUTOR_ID": ""}
    del environ["SPARK_EXECUTOR_MEMORY"]
    with pytest.raises(ContractError, match=r"executor: .*_MEMORY, SPARK_EXECUTOR_ID;"):
        command(["executor"], environ)
    with pytest.raises(ContractError, match=r"driver: .*SPARK_DRIVER_BIND_ADDRESS"):
        command(SUBMITTED, {})


def test_any_other_command_runs_as_it_is():
    assert command(["spark-submit", "--version"], {}) == Command(["spark-submit", "--version"])


def entrypoint(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ghstream_spark.kubernetes", *arguments],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_wrong_arguments_end_with_exit_code_2_and_one_line():
    process = entrypoint()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said == "say what to run: 'driver …', 'executor' or a command\n"


def test_a_signal_reaches_the_application_and_its_exit_code_is_the_containers(tmp_path):
    application = tmp_path / "application.py"
    application.write_text(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print(os.getpid(), sys.argv[1:], flush=True)\n"
        "signal.pause()\n"
    )
    process = entrypoint("driver", "--class", "any", f"local://{application}", "argument", **DRIVER)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{process.pid} ['argument']\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 7
