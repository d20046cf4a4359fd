"""What deploy/ says must be what the code says, and safe by default."""

import json
import platform
import re
import subprocess
import unittest
from pathlib import Path

import yaml
from cfnlint.decode import cfn_yaml

DEPLOY = Path(__file__).resolve().parent.parent
ROOT = DEPLOY.parent
AWS = ROOT / "backend/src/aws"

TEMPLATE = cfn_yaml.load(str(DEPLOY / "aws/cuelight.yaml"))
RESOURCES = TEMPLATE["Resources"]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
POD_OWNERS = [document for document in KUBERNETES if document["kind"] == "Deployment"]

# What a program must be told to use AWS; each has an output, and a place in every environment.
SETTINGS = {
    "CUELIGHT_AWS_REGION",
    "CUELIGHT_QUEUE_URL",
    "CUELIGHT_DEAD_LETTER_QUEUE_URL",
    "CUELIGHT_TOPIC_ARN",
    "CUELIGHT_TABLE",
    "CUELIGHT_BUCKET",
}


def source(path):
    return (ROOT / path).read_text()


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def actions(policy):
    statements = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
    for statement in statements:
        action = statement["Action"]
        yield from [action] if isinstance(action, str) else action


class TheTemplate(unittest.TestCase):
    def test_the_table_is_the_one_that_the_code_makes_on_an_emulator(self):
        provision, table = source("backend/src/aws/provision.rs"), source("backend/src/aws/table.rs")
        names = dict(re.findall(r'pub const (BY_\w+): &str = "(\w+)"', table))
        indexes = {
            names[constant]: (partition, sort)
            for constant, partition, sort in re.findall(r'\((BY_\w+), "(\w+)", "(\w+)"\)', provision)
        }
        keys = re.search(r'set_key_schema\(Some\(keys\("(\w+)", "(\w+)"\)', provision).groups()
        attributes = set(re.findall(r'"(\w+)"', re.search(r"for attribute in \[(.*?)\]", provision, re.S)[1]))
        ttl = re.search(r'const TTL: &str = "(\w+)"', provision)[1]
        self.assertEqual(set(names.values()), set(indexes), "an index that provision.rs does not make")

        properties = RESOURCES["Table"]["Properties"]

        def schema(of):
            return tuple(key["AttributeName"] for key in of["KeySchema"])

        self.assertEqual(schema(properties), keys)
        self.assertEqual(
            {index["IndexName"]: schema(index) for index in properties["GlobalSecondaryIndexes"]}, indexes
        )
        for index in properties["GlobalSecondaryIndexes"]:
            self.assertEqual(index["Projection"], {"ProjectionType": "KEYS_ONLY"})
        definitions = {a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]}
        self.assertEqual(definitions, {name: "S" for name in attributes})
        self.assertEqual(properties["TimeToLiveSpecification"], {"AttributeName": ttl, "Enabled": True})

    def test_the_roles_may_do_what_the_code_calls_and_nothing_else(self):
        called = set()
        for service in ["sqs", "sns", "dynamodb"]:
            for name in operations(service):
                if calls(name):
                    called.add(f"{service}:{permission(name)}")
        # Calls of object_store, which have no names of their own here.
        called |= {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListBucket"}
        # Only made on emulators.
        called -= {"sns:CreateTopic", "dynamodb:CreateTable", "dynamodb:UpdateTimeToLive"}
        allowed = set(actions("ServerPolicy")) | set(actions("WorkerPolicy"))
        self.assertEqual(called - allowed, set(), "the code calls what no role may")
        self.assertEqual(allowed - called, set(), "a role may do what the code never calls")

    def test_only_listing_queues_is_allowed_on_everything(self):
        for policy in ["ServerPolicy", "WorkerPolicy"]:
            for statement in RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Resource"] == "*":
                    self.assertEqual(statement["Action"], "sqs:ListQueues")

    def test_the_queues_of_servers_have_the_name_that_the_role_allows(self):
        prefix = re.search(r'PREFIX: &str = "([\w-]+)"', source("backend/src/aws/sns/queue_road.rs"))[1]
        text = (DEPLOY / "aws/cuelight.yaml").read_text()
        self.assertIn(f":{prefix}-${{Name}}-*", text)

    def test_outputs_are_named_like_the_settings(self):
        described = {output["Description"] for output in TEMPLATE["Outputs"].values()}
        self.assertLessEqual(SETTINGS, described)
        for name, output in TEMPLATE["Outputs"].items():
            if output["Description"] in SETTINGS:
                snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
                self.assertEqual(snake, output["Description"])

    def test_tasks_are_confined_and_told_every_setting(self):
        for task in ["ServerTask", "WorkerTask"]:
            for container in RESOURCES[task]["Properties"]["ContainerDefinitions"]:
                self.assertEqual(container["User"], "10001:10001")
                self.assertTrue(container["ReadonlyRootFilesystem"])
                self.assertEqual(container["LinuxParameters"]["Capabilities"], {"Drop": ["ALL"]})
                if container["Essential"]:
                    self.assertEqual(container["StopTimeout"], 30)
                    told = {variable["Name"] for variable in container["Environment"]}
                    self.assertLessEqual(SETTINGS | {"CUELIGHT_BACKEND"}, told)

    def test_everything_at_rest_is_encrypted(self):
        self.assertTrue(RESOURCES["Queue"]["Properties"]["SqsManagedSseEnabled"])
        self.assertTrue(RESOURCES["DeadLetterQueue"]["Properties"]["SqsManagedSseEnabled"])
        self.assertIn("KmsMasterKeyId", RESOURCES["Topic"]["Properties"])
        self.assertTrue(RESOURCES["Table"]["Properties"]["SSESpecification"]["SSEEnabled"])
        self.assertIn("BucketEncryption", RESOURCES["Bucket"]["Properties"])


class Compose(unittest.TestCase):
    def test_every_service_is_confined(self):
        for name, service in COMPOSE["services"].items():
            with self.subTest(name):
                self.assertEqual(service["user"], "10001:10001")
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertIn("no-new-privileges:true", service["security_opt"])
                self.assertEqual(service["stop_grace_period"], "30s")
                self.assertNotIn("privileged", service)
                self.assertNotIn("cap_add", service)
                self.assertTrue(any(mount.startswith("/tmp:") for mount in service["tmpfs"]))

    def test_ports_are_bound_to_this_machine(self):
        for name, service in COMPOSE["services"].items():
            for port in service.get("ports", []):
                self.assertRegex(port, r"^127\.0\.0\.1:\d+:\d+$", name)

    def test_whoever_listens_tells_its_health(self):
        for name, service in COMPOSE["services"].items():
            if "--listen" in service.get("command", []):
                port = service["command"][service["command"].index("--listen") + 1].rsplit(":")[-1]
                self.assertEqual(service["healthcheck"]["test"], ["CMD", "healthy", port, "/readyz"], name)

    def test_everybody_on_the_emulator_has_every_setting(self):
        for name, service in COMPOSE["services"].items():
            if service.get("network_mode") == "service:emulator":
                self.assertLessEqual(SETTINGS | {"CUELIGHT_AWS_ENDPOINT"}, set(service["environment"]), name)

    def test_the_emulator_is_the_version_that_the_tests_use(self):
        version = re.search(r"^version=([\d.]+)$", source("dev.d/emulator"), re.M)[1]
        self.assertEqual(COMPOSE["services"]["emulator"]["image"], f"ministackorg/ministack:{version}")


class Kubernetes(unittest.TestCase):
    def test_every_pod_passes_the_restricted_standard(self):
        for owner in POD_OWNERS:
            pod = owner["spec"]["template"]["spec"]
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 30)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for container in containers(pod):
                confined = {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }
                self.assertEqual(container["securityContext"], confined)
                self.assertIn("memory", container["resources"]["limits"])

    def test_the_namespace_enforces_the_restricted_standard(self):
        (namespace,) = [document for document in KUBERNETES if document["kind"] == "Namespace"]
        self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted")

    def test_the_kustomization_names_every_file(self):
        (kustomization,) = [document for document in KUBERNETES if document["kind"] == "Kustomization"]
        files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
        self.assertEqual(set(kustomization["resources"]), files)
        images = {image["name"] for image in kustomization["images"]}
        used = {c["image"] for owner in POD_OWNERS for c in containers(owner["spec"]["template"]["spec"])}
        self.assertEqual(images, used)

    def test_the_settings_are_complete(self):
        lines = (DEPLOY / "kubernetes/cuelight.env").read_text().split()
        self.assertLessEqual(SETTINGS | {"CUELIGHT_BACKEND"}, {line.split("=")[0] for line in lines})

    def test_the_scaler_scales_the_workers_by_their_own_queue(self):
        (scaled,) = [document for document in KUBERNETES if document["kind"] == "ScaledObject"]
        (login,) = [document for document in KUBERNETES if document["kind"] == "TriggerAuthentication"]
        (target,) = [o for o in POD_OWNERS if o["metadata"]["name"] == scaled["spec"]["scaleTargetRef"]["name"]]
        self.assertNotIn("replicas", target["spec"])
        self.assertEqual(scaled["spec"]["minReplicaCount"], 1)
        (trigger,) = scaled["spec"]["triggers"]
        self.assertEqual(trigger["type"], "aws-sqs-queue")
        self.assertEqual(trigger["metadata"]["queueURLFromEnv"], "CUELIGHT_QUEUE_URL")
        self.assertEqual(trigger["authenticationRef"]["name"], login["metadata"]["name"])


class Everything(unittest.TestCase):
    def test_the_image_is_built_by_the_pinned_compiler(self):
        channel = re.search(r'channel = "([\d.]+)"', source("rust-toolchain.toml"))[1]
        dockerfile = (DEPLOY / "Dockerfile").read_text()
        self.assertIn(f"FROM rust:{channel}-slim-bookworm", dockerfile)
        self.assertIn(f"RUSTUP_TOOLCHAIN={channel}\n", dockerfile)

    def test_every_setting_that_is_named_exists(self):
        sources = [*ROOT.glob("*/src/**/*.rs"), ROOT / "dev", ROOT / "deploy/compose.yaml"]
        pattern = re.compile(r"(?:env = \"|\$\{|\$|std::env::var(?:_os)?\(\")(CUELIGHT_[A-Z_]+)")
        known = {name for path in sources for name in pattern.findall(path.read_text())}
        pages = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        for path in [*pages, *ROOT.glob("docs/*.md"), ROOT / "README.md"]:
            unknown = set(re.findall(r"CUELIGHT_[A-Z_]*[A-Z]", path.read_text())) - known
            self.assertEqual(unknown, set(), path)

    def test_there_are_no_keys(self):
        for path in DEPLOY.rglob("*"):
            if path.is_file() and path.suffix != ".pyc" and path != Path(__file__).resolve():
                self.assertNotRegex(path.read_text(), r"AKIA[0-9A-Z]{16}|AWS_SECRET_ACCESS_KEY|AccessKey\b")


def operations(service):
    """Every operation that the SDK of a service has, by its name in Rust."""
    host = f"{platform.machine()}-unknown-linux-gnu"
    command = ["cargo", "metadata", "--format-version", "1", "--filter-platform", host]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    for package in metadata["packages"]:
        if package["name"] == f"aws-sdk-{service}":
            folder = Path(package["manifest_path"]).parent / "src/operation"
            return [path.stem for path in folder.glob("*.rs")]
    raise AssertionError(f"the workspace does not use aws-sdk-{service}")


def calls(operation):
    return any(re.search(rf"\.\s*{operation}\(\)", path.read_text()) for path in AWS.rglob("*.rs"))


def permission(operation):
    """The name of the action that IAM looks for when an operation is called."""
    if operation == "transact_write_items":
        # Ours only put.
        return "PutItem"
    camel = "".join(word.capitalize() for word in operation.split("_"))
    # A batch of messages takes the same right as one; a batch of items has its own.
    return camel if camel.startswith("Batch") else camel.removesuffix("Batch")


if __name__ == "__main__":
    unittest.main()
