import org.jetbrains.kotlin.gradle.dsl.JvmTarget

// Plain Kotlin without android.*; an app needs this module and one engine.
plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
}

kotlin {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        allWarningsAsErrors = true
    }
}

// A JVM module cannot depend on Android packages (.aar) directly, only on the classes.jar inside.
val androidPackages: Configuration by configurations.creating { isTransitive = false }

val packagedClasses = tasks.register<Sync>("packagedClasses") {
    androidPackages.files.forEach { file ->
        from(zipTree(file)) {
            include("classes.jar")
            rename { "${file.nameWithoutExtension}.jar" }
        }
    }
    into(layout.buildDirectory.dir("packaged-classes"))
}

dependencies {
    androidPackages(variantOf(libs.tensorflow.lite.java) { artifactType("aar") })
    androidPackages(variantOf(libs.tensorflow.lite.api) { artifactType("aar") })
    compileOnly(libs.onnxruntime.jvm)
    compileOnly(libs.javacpp)
    compileOnly(libs.javacpp.tensorflow.lite)
    compileOnly(files(packagedClasses.map { it.outputs.files.asFileTree }))
    testImplementation(libs.junit)
    testImplementation(libs.onnxruntime.jvm)
    testImplementation(libs.javacpp)
    testImplementation(libs.javacpp.tensorflow.lite)
    testImplementation(variantOf(libs.javacpp.tensorflow.lite) { classifier("linux-x86_64") })
    testImplementation(files(packagedClasses.map { it.outputs.files.asFileTree }))
}
