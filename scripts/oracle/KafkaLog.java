import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Supplier;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Plays scenarios on Kafka's own partition log (UnifiedLog) under a clock that stands still, and writes what it answered.
 * Standard input: one scenario a line, {name, config, now, steps}. Standard output: one line each, {name, answers, files}.
 * One argument: the folder in which the logs are made.
 */
public class KafkaLog {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Uuid TOPIC_ID = Uuid.fromString("KcEh0CeWT6appgxEAW289A");

    public static void main(String[] args) throws Exception {
        try (Scanner lines = new Scanner(System.in, "UTF-8")) {
            while (lines.hasNextLine()) {
                String line = lines.nextLine();
                if (line.isBlank()) continue;
                System.out.println(JSON.writeValueAsString(new KafkaLog(JSON.readTree(line), Path.of(args[0])).play()));
            }
        }
    }

    final JsonNode scenario;
    final File folder;
    final StillTime time;
    final StillScheduler scheduler;
    final BrokerTopicStats stats = new BrokerTopicStats();
    Map<String, String> settings = new HashMap<>();
    int expirationMs = 86400000;
    UnifiedLog log;

    KafkaLog(JsonNode scenario, Path root) throws Exception {
        this.scenario = scenario;
        this.folder = root.resolve(scenario.get("name").asText()).resolve("t-0").toFile();
        Files.createDirectories(folder.toPath());
        this.time = new StillTime(scenario.get("now").asLong());
        this.scheduler = new StillScheduler(time);
        configure(scenario.get("config"));
    }

    void configure(JsonNode config) {
        config.fields().forEachRemaining(entry -> {
            String name = entry.getKey();
            // Kafka refuses small segments by the name that users set.
            if (name.equals("segment.bytes")) name = LogConfig.INTERNAL_SEGMENT_BYTES_CONFIG;
            if (name.equals("producer.id.expiration.ms")) expirationMs = entry.getValue().asInt();
            else settings.put(name, entry.getValue().asText());
        });
    }

    ObjectNode play() throws Exception {
        open(0, 0, true);
        ArrayNode answers = JSON.createArrayNode();
        for (JsonNode step : scenario.get("steps")) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                run(step, answer);
            } catch (RecordValidationException e) {
                answer.removeAll();
                answer.put("error", Errors.forException(e.invalidException()).name());
            } catch (Exception e) {
                answer.removeAll();
                Throwable cause = Errors.maybeUnwrapException(e);
                Errors error = Errors.forException(cause);
                answer.put("error", error.name());
                if (error == Errors.UNKNOWN_SERVER_ERROR) {
                    answer.put("exception", String.valueOf(cause));
                    if (System.getenv("ORACLE_TRACE") != null) cause.printStackTrace();
                }
            }
            scheduler.runDue();
            answers.add(answer);
        }
        log.close();
        scheduler.runDue();
        ObjectNode result = JSON.createObjectNode();
        result.put("name", scenario.get("name").asText());
        result.set("answers", answers);
        result.set("files", files());
        return result;
    }

    void open(long logStartOffset, long recoveryPoint, boolean clean) throws Exception {
        log = UnifiedLog.create(folder, new LogConfig(settings), logStartOffset, recoveryPoint, scheduler, stats, time,
            300000, new ProducerStateManagerConfig(expirationMs, false), 600000, new LogDirFailureChannel(1), clean,
            Optional.of(TOPIC_ID));
        log.updateHighWatermark(log.logEndOffset());
    }

    void run(JsonNode step, ObjectNode answer) throws Exception {
        switch (step.get("op").asText()) {
            case "append": append(step, answer); break;
            case "advance": time.now += step.get("ms").asLong(); break;
            case "configure":
                configure(step.get("config"));
                log.updateConfig(new LogConfig(settings));
                break;
            case "retention": log.deleteOldSegments(); break;
            case "expire": log.removeExpiredProducers(time.now); break;
            case "deleteRecords": deleteRecords(step.get("offset").asLong()); break;
            case "timestamp": timestamp(step.get("timestamp").asLong(), answer); break;
            case "read": read(step, answer); break;
            case "consume": consume(step.path("isolation").asText(), answer); break;
            case "state": state(answer); break;
            case "batches": batches(answer); break;
            case "files": answer.set("files", lasting()); break;
            case "reopen": reopen(step.path("clean").asBoolean(true)); break;
            default: throw new IllegalArgumentException(step.toString());
        }
    }

    void append(JsonNode step, ObjectNode answer) throws Exception {
        byte[] bytes = Base64.getDecoder().decode(step.get("bytes").asText());
        AppendOrigin origin = step.path("origin").asText("client").equals("coordinator") ? AppendOrigin.COORDINATOR : AppendOrigin.CLIENT;
        int epoch = step.path("leaderEpoch").asInt(0);
        try {
            LogAppendInfo info = log.appendAsLeader(MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)), epoch, origin,
                RequestLocal.noCaching(), VerificationGuard.SENTINEL, (short) 0);
            answer.put("baseOffset", info.firstOffset());
            answer.put("lastOffset", info.lastOffset());
            answer.put("logAppendTime", info.logAppendTime());
            answer.put("logStartOffset", info.logStartOffset());
        } finally {
            log.updateHighWatermark(log.logEndOffset());
        }
    }

    /** As Partition.deleteRecordsOnLeader, and the check of retention that follows. */
    void deleteRecords(long offset) throws Exception {
        long to = offset == -1 ? log.highWatermark() : offset;
        if (to < 0) throw new OffsetOutOfRangeException("negative");
        if (log.maybeIncrementLogStartOffset(to, LogStartOffsetIncrementReason.ClientRecordDeletion)) log.deleteOldSegments();
    }

    void timestamp(long timestamp, ObjectNode answer) {
        Optional<FileRecords.TimestampAndOffset> found = log.fetchOffsetByTimestamp(timestamp, Optional.empty()).timestampAndOffsetOpt();
        found.ifPresent(at -> {
            answer.put("offset", at.offset);
            answer.put("timestamp", at.timestamp);
        });
    }

    FetchIsolation isolation(String name) {
        return name.equals("read_committed") ? FetchIsolation.TXN_COMMITTED : FetchIsolation.HIGH_WATERMARK;
    }

    void read(JsonNode step, ObjectNode answer) throws Exception {
        FetchDataInfo data = log.read(step.get("offset").asLong(), step.path("maxBytes").asInt(1 << 20),
            isolation(step.path("isolation").asText()), step.path("minOneBatch").asBoolean(true));
        Iterator<? extends RecordBatch> batches = data.records.batches().iterator();
        if (batches.hasNext()) answer.put("first", batches.next().baseOffset());
        answer.put("empty", !answer.has("first"));
        // Below the start it means the start.
        answer.put("lastStableOffset", Math.max(log.lastStableOffset(), log.logStartOffset()));
    }

    /** The offsets of all records that a consumer is given, aborted ones filtered as it does. */
    void consume(String isolation, ObjectNode answer) throws Exception {
        ArrayNode offsets = answer.putArray("offsets");
        boolean committed = isolation.equals("read_committed");
        long end = committed ? log.lastStableOffset() : log.highWatermark();
        long next = log.logStartOffset();
        while (next < end) {
            FetchDataInfo data = log.read(next, 1 << 20, isolation(isolation), true);
            PriorityQueue<long[]> aborted = new PriorityQueue<>(Comparator.comparingLong((long[] one) -> one[1]));
            data.abortedTransactions.ifPresent(all -> all.forEach(one -> aborted.add(new long[] {one.producerId(), one.firstOffset()})));
            Set<Long> aborting = new HashSet<>();
            boolean any = false;
            for (RecordBatch batch : data.records.batches()) {
                any = true;
                while (!aborted.isEmpty() && aborted.peek()[1] <= batch.lastOffset()) aborting.add(aborted.poll()[0]);
                boolean skip = batch.isControlBatch();
                if (committed && batch.isControlBatch()) {
                    Record marker = batch.iterator().next();
                    if (ControlRecordType.parse(marker.key()) == ControlRecordType.ABORT) aborting.remove(batch.producerId());
                } else if (committed && batch.isTransactional() && aborting.contains(batch.producerId())) skip = true;
                if (!skip) for (Record record : batch) if (record.offset() >= next) offsets.add(record.offset());
                next = batch.nextOffset();
            }
            if (!any) break;
        }
    }

    void state(ObjectNode answer) throws Exception {
        answer.put("logStartOffset", log.logStartOffset());
        answer.put("logEndOffset", log.logEndOffset());
        // Below the start it means the start.
        answer.put("lastStableOffset", Math.max(log.lastStableOffset(), log.logStartOffset()));
        ArrayNode segments = answer.putArray("segments");
        for (LogSegment segment : log.logSegments()) segments.addArray().add(segment.baseOffset()).add(segment.size());
        ArrayNode epochs = answer.putArray("epochs");
        for (EpochEntry entry : log.leaderEpochCache().epochEntries()) epochs.addArray().add(entry.epoch()).add(entry.startOffset());
        ArrayNode producers = answer.putArray("producers");
        var active = new ArrayList<>(log.activeProducers());
        active.sort(Comparator.comparingLong(one -> one.producerId()));
        for (var one : active) {
            ObjectNode producer = producers.addObject();
            producer.put("producerId", one.producerId());
            producer.put("producerEpoch", one.producerEpoch());
            producer.put("lastSequence", one.lastSequence());
            producer.put("lastTimestamp", one.lastTimestamp());
            producer.put("coordinatorEpoch", one.coordinatorEpoch());
            producer.put("currentTransactionFirstOffset", one.currentTxnStartOffset());
        }
    }

    void batches(ObjectNode answer) throws Exception {
        ArrayNode list = answer.putArray("batches");
        for (LogSegment segment : log.logSegments())
            for (FileLogInputStream.FileChannelRecordBatch batch : segment.log().batches()) {
                ObjectNode one = list.addObject();
                one.put("baseOffset", batch.baseOffset()).put("lastOffset", batch.lastOffset());
                one.put("leaderEpoch", batch.partitionLeaderEpoch()).put("codec", batch.compressionType().name);
                one.put("timestampType", batch.timestampType().name).put("maxTimestamp", batch.maxTimestamp());
                one.put("producerId", batch.producerId()).put("producerEpoch", batch.producerEpoch());
                one.put("baseSequence", batch.baseSequence()).put("count", batch.countOrNull());
                one.put("transactional", batch.isTransactional()).put("control", batch.isControlBatch());
                if (batch.compressionType() == CompressionType.NONE)
                    one.put("size", batch.sizeInBytes()).put("crc", batch.checksum());
                ArrayNode records = one.putArray("records");
                for (Record record : batch) records.addArray().add(record.offset()).add(record.timestamp()).add(text(record.key())).add(text(record.value()));
            }
    }

    String text(ByteBuffer bytes) {
        if (bytes == null) return null;
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return copy.length > 64 ? sha(copy) : Base64.getEncoder().encodeToString(copy);
    }

    void reopen(boolean clean) throws Exception {
        long start = log.logStartOffset();
        long recoveryPoint = log.recoveryPoint();
        if (clean) {
            log.close();
            recoveryPoint = log.recoveryPoint();
        } else log.closeHandlers();
        scheduler.tasks.clear();
        open(start, recoveryPoint, clean);
    }

    /** What records and producers live in; when an index is there at all differs. */
    ArrayNode lasting() {
        ArrayNode lasting = JSON.createArrayNode();
        for (JsonNode name : names())
            if (name.asText().matches(".*\\.(log|snapshot|txnindex)(\\.deleted)?")) lasting.add(name);
        return lasting;
    }

    ArrayNode names() {
        ArrayNode names = JSON.createArrayNode();
        String[] list = folder.list();
        Arrays.sort(list);
        for (String name : list) names.add(name);
        return names;
    }

    ObjectNode files() throws Exception {
        ObjectNode files = JSON.createObjectNode();
        for (JsonNode name : names()) {
            byte[] bytes = Files.readAllBytes(folder.toPath().resolve(name.asText()));
            boolean digest = name.asText().contains(".log") && bytes.length > 64;
            files.put(name.asText(), digest ? bytes.length + ":" + sha(bytes) : Base64.getEncoder().encodeToString(bytes));
        }
        return files;
    }

    static String sha(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static class StillTime implements Time {
        volatile long now;

        StillTime(long now) {
            this.now = now;
        }

        public long milliseconds() {
            return now;
        }

        public long nanoseconds() {
            return now * 1000000;
        }

        public void sleep(long ms) {
            now += ms;
        }

        public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) {
            throw new UnsupportedOperationException();
        }
    }

    /** Runs what is due between two steps. */
    static class StillScheduler implements Scheduler {
        final StillTime time;
        final List<Task> tasks = new ArrayList<>();

        StillScheduler(StillTime time) {
            this.time = time;
        }

        public void startup() {}

        public void shutdown() {}

        public void resizeThreadPool(int size) {}

        public ScheduledFuture<?> schedule(String name, Runnable run, long delayMs, long periodMs) {
            Task task = new Task(run, time.now + delayMs);
            // What Kafka repeats by itself is a step of the scenario here.
            if (periodMs < 0) tasks.add(task);
            return task;
        }

        void runDue() {
            for (boolean any = true; any;) {
                any = false;
                for (Task task : new ArrayList<>(tasks)) {
                    if (task.due > time.now) continue;
                    tasks.remove(task);
                    if (!task.isCancelled()) task.run();
                    any = true;
                }
            }
        }
    }

    static class Task extends FutureTask<Void> implements ScheduledFuture<Void> {
        final long due;

        Task(Runnable run, long due) {
            super(run, null);
            this.due = due;
        }

        public long getDelay(TimeUnit unit) {
            return 0;
        }

        public int compareTo(Delayed other) {
            return 0;
        }
    }
}
