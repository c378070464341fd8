// Kafka's own jars and programs: fetched by Maven into a cache outside of the repository.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSION = '4.3.0'
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'varve-kafka', VERSION)
const jars = join(cache, 'jars')
const classes = join(cache, 'classes')

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>varve</groupId><artifactId>oracle</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>
`

/** Makes Kafka ready to run. Answers why it is not, if so. */
export function prepare() {
  if (!answers('javac', ['-version'])) return 'there is no JDK of 17 or newer (javac) on the path'
  if (!existsSync(jars) || !readdirSync(jars).some(name => name.startsWith('kafka-tools'))) {
    if (!answers('mvn', ['-version'])) return 'there is no Maven (mvn) on the path to fetch Kafka with'
    mkdirSync(cache, { recursive: true })
    writeFileSync(join(cache, 'pom.xml'), pom)
    console.error(`Fetching Apache Kafka ${VERSION} into ${jars} …`)
    const args = ['-q', '-B', '-f', join(cache, 'pom.xml'), 'dependency:copy-dependencies']
    const fetched = spawnSync('mvn', [...args, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`], {
      stdio: 'inherit',
    })
    if (fetched.status !== 0) return 'Maven could not fetch Kafka; it says why above'
  }
  const source = fileURLToPath(new URL('KafkaLog.java', import.meta.url))
  const compiled = spawnSync('javac', ['-nowarn', '-cp', join(jars, '*'), '-d', classes, source], {
    encoding: 'utf8',
  })
  if (compiled.status !== 0) throw new Error(`KafkaLog.java does not compile:\n${compiled.stderr}`)
  return undefined
}

/** Plays scenarios on Kafka's partition log: each with `answers` and `files`. */
export function play(scenarios, folder) {
  const input = scenarios.map(scenario => `${JSON.stringify(scenario)}\n`).join('')
  const { stdout } = java('KafkaLog', [folder], input)
  const played = stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
  if (played.length !== scenarios.length)
    throw new Error(`Kafka played ${played.length} of ${scenarios.length} scenarios`)
  return scenarios.map((scenario, i) => ({ ...scenario, answers: played[i].answers, files: played[i].files }))
}

/** What Kafka's DumpLogSegments says of files. */
export function dump(files, options = []) {
  return java('org.apache.kafka.tools.DumpLogSegments', [...options, '--files', files.join(',')])
}

function java(program, args, input = '') {
  const memory = { encoding: 'utf8', maxBuffer: 1 << 30 }
  const ran = spawnSync('java', ['-cp', `${classes}:${join(jars, '*')}`, program, ...args], {
    input,
    ...memory,
  })
  if (ran.status !== 0) throw new Error(`${program} ended with ${ran.status}:\n${ran.stderr}`)
  return ran
}

function answers(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
